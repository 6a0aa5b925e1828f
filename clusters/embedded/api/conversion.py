"""One stored object in its versions: most differ by apiVersion alone, events and autoscalers by more."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object

EVENT_MEMBERS: Final = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Members of a core Event and their names in events.k8s.io."""


def shown(kind: Kind, value: Object) -> Object:
    """A stored object in the version of a kind."""
    held = value.get("apiVersion")
    wanted = kind.resource.api_version
    if held == wanted:
        return value
    made = value
    if kind.storage == ("", "events"):
        names = EVENT_MEMBERS if wanted != "v1" else {new: old for old, new in EVENT_MEMBERS.items()}
        made = {names.get(name, name): item for name, item in value.items()}
    elif kind.storage == ("autoscaling", "horizontalpodautoscalers"):
        made = _autoscaler(value, wanted)
    return {**made, "apiVersion": wanted}


def _autoscaler(value: Object, wanted: str) -> Object:
    """Between autoscaling/v1, which knows CPU alone, and v2."""
    spec, status = dict(value.get("spec") or {}), dict(value.get("status") or {})
    if wanted == "autoscaling/v1":
        for metric in spec.pop("metrics", None) or ():
            resource = metric.get("resource") or {}
            if resource.get("name") == "cpu" and (resource.get("target") or {}).get("averageUtilization"):
                spec["targetCPUUtilizationPercentage"] = resource["target"]["averageUtilization"]
        spec.pop("behavior", None)
        for metric in status.pop("currentMetrics", None) or ():
            resource = metric.get("resource") or {}
            if resource.get("name") == "cpu" and (resource.get("current") or {}).get("averageUtilization"):
                status["currentCPUUtilizationPercentage"] = resource["current"]["averageUtilization"]
        status.pop("conditions", None)
        status.setdefault("currentReplicas", 0)
    else:
        share = spec.pop("targetCPUUtilizationPercentage", None)
        if share is not None:
            target = {"type": "Utilization", "averageUtilization": share}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        status.pop("currentCPUUtilizationPercentage", None)
        status.setdefault("currentMetrics", None)
    return {**value, "spec": spec, "status": status}
