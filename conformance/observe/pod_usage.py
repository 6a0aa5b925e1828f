"""What pods use, as the metrics API says it: what a HorizontalPodAutoscaler goes by.

The API is asked three times as often as metrics-server measures, so that it is known to some seconds when a figure
could first be seen. That it does not answer is a fact like any other, as the autoscaler meets the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.horizontal_objects import pod_usage
from conformance.kube.resources import POD_METRICS
from conformance.kube.verbs import ApiStatus, list_all
from conformance.recording.pod_bodies import PodUsage, UsageBody
from conformance.recording.writer import Recorder

ASK_SECONDS: Final = 5.0
AWAY_STATUSES: Final = (404, 503)
"""With which the API server answers everybody while nobody serves metrics."""


async def record_usage(recorder: Recorder, clock: Clock, api: ApiClient, namespace: str, *, standard: bool) -> None:
    """Write `usage` facts until cancelled; none where the service is not in `standard` mode, as nobody needs them."""
    known: UsageBody | None = None
    asked: float | None = None
    while standard:
        found = await _ask(api, namespace)
        now = round(clock.monotonic() - recorder.header.origin_monotonic, 6)
        if known is None or (found.pods, found.trouble) != (known.pods, known.trouble):
            known = found
            recorder.write(replace(found, asked_before=asked))
        asked = now
        await clock.sleep(ASK_SECONDS)


async def _ask(api: ApiClient, namespace: str) -> UsageBody:
    try:
        items, _ = await list_all(api, POD_METRICS, namespace)
        return UsageBody(tuple(sorted(map(parsed, items), key=lambda usage: usage.pod)))
    except ApiStatus as error:
        return UsageBody(None, trouble=str(error)[:200], unseen=error.status not in AWAY_STATUSES or None)
    except PlatformError as error:
        return UsageBody(None, trouble=str(error)[:200], unseen=True)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return UsageBody(None, trouble=f"an answer of a shape that none has: {error}"[:200], unseen=True)


def parsed(value: Mapping[str, Any]) -> PodUsage:
    """A PodMetrics object as it is recorded."""
    usage = pod_usage(value)
    amounts = {entry["name"]: dict(entry.get("usage") or {}) for entry in value.get("containers") or ()}
    return PodUsage(str(value["metadata"]["name"]), usage.at, usage.window_seconds, amounts)
