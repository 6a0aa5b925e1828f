"""Why a Job's pod does not start: what `kubectl describe pod` would say last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import EVENTS, PODS
from conformance.kube.verbs import list_all

JOB_NAME: Final = "batch.kubernetes.io/job-name"
SHOWN_CHARACTERS: Final = 300


async def held_up(api: ApiClient, namespace: str, job: str) -> str:
    """The last warning about a pod of the Job that has not started; empty where none is held up, or the account may
    not look."""
    try:
        pods, _ = await list_all(api, PODS, namespace, labels=f"{JOB_NAME}={job}")
        waiting = [str(pod["metadata"]["name"]) for pod in pods if (pod.get("status") or {}).get("phase") == "Pending"]
        if not waiting:
            return ""
        events, _ = await list_all(api, EVENTS, namespace)
    except PlatformError:
        return ""
    warnings = [event for event in events if event.get("type") == "Warning" and _about(event) in waiting]
    if not warnings:
        return ""
    last = max(warnings, key=_time)
    message = " ".join(str(last.get("message", "")).split())[:SHOWN_CHARACTERS]
    return f"pod {_about(last)} has not started: {last.get('reason', '')}: {message}"


def _about(event: Mapping[str, Any]) -> str:
    return str((event.get("involvedObject") or {}).get("name", ""))


def _time(event: Mapping[str, Any]) -> str:
    """When it was seen last, as text that sorts: the scheduler's events have `eventTime` alone."""
    series = event.get("series") or {}
    times = (event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime"))
    return max(str(time or "") for time in times)
