"""Notes which pods make the autoscaling decisions, so that a restart in the middle of a scenario shows."""

from __future__ import annotations

import hashlib

from conformance.kube.api_client import ApiClient
from conformance.kube.resources import PODS
from conformance.kube.verbs import ApiStatus, Object, list_all
from conformance.recording.run_bodies import ConfigBody
from conformance.recording.writer import Recorder

SPACE = "knative-serving"
LABELS = "app=autoscaler"
"""What Knative's own manifests call them."""


async def note(api: ApiClient, recorder: Recorder) -> None:
    """Write a `config` fact of the autoscaler's pods: how many, and as its version which, with their restarts. A new
    autoscaler begins with empty windows and may scale down in the middle of a panic. Nothing is written where there are
    none or they may not be listed."""
    try:
        found, _ = await list_all(api, PODS, SPACE, labels=LABELS)
    except ApiStatus:
        return
    if found:
        text = ";".join(sorted(_identity(pod) for pod in found))
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        recorder.write(ConfigBody("autoscaler-pods", {"pods": str(len(found))}, version))


def _identity(pod: Object) -> str:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    restarts = sum(int(status.get("restartCount") or 0) for status in statuses)
    return f"{pod.get('metadata', {}).get('uid', '')} {restarts}"
