"""What the status page shows, as plain data."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.nodes.kubelet import ACCELERATOR, DEVICES_ANNOTATION
from clusters.embedded.objects.capacity import allocatable, amounts_by_node
from clusters.embedded.objects.metadata import Object, is_terminating, key_of, labels
from clusters.embedded.objects.status_conditions import condition_of, is_true
from clusters.embedded.platform import Platform
from conformance.base.terminal import printable
from conformance.kube.resources import AUTOSCALERS, EVENTS, INFERENCE_SERVICES, NODES, POD_AUTOSCALERS, PODS

SHOWN_EVENTS: Final = 60
SHOWN_PODS: Final = 500
"""More would take the browser longer to draw than the second between two looks."""
GIBIBYTE: Final = 2.0**30


def snapshot(platform: Platform) -> Object:
    """Everything at this moment. `totals` counts what is only shown in part."""
    store = platform.store
    pods = store.list(PODS)
    events = sorted(store.list(EVENTS), key=_event_time, reverse=True)
    shown: Object = {
        "now": store.now(),
        "fault": platform.fault,
        "totals": {"pods": len(pods), "events": len(events)},
        "nodes": _nodes(platform, pods),
        "services": [_service(value) for value in store.list(INFERENCE_SERVICES)],
        "revisions": revisions(platform),
        "autoscalers": [_autoscaler(value) for value in store.list(AUTOSCALERS)],
        "pods": [_pod(platform, value) for value in pods[:SHOWN_PODS]],
        "events": [_event(value) for value in events[:SHOWN_EVENTS]],
    }
    found: Object = _visible(shown)
    return found


def _visible(value: Any) -> Any:
    """The same without characters that turn or hide the text around them."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value


def _nodes(platform: Platform, pods: list[Object]) -> list[Object]:
    taken = amounts_by_node(pods)
    found = []
    for node in platform.store.list(NODES):
        name, have = node["metadata"]["name"], allocatable(node)
        amounts = taken.get(name, {})
        ready = "Ready" if is_true(node, "Ready") else "NotReady"
        found.append(
            {
                "name": name,
                "ready": "SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else ready,
                "pods": _share(amounts.get("pods", 0.0), have.get("pods", 0.0)),
                "cpu": _share(amounts.get("cpu", 0.0), have.get("cpu", 0.0)),
                "memory": _share(amounts.get("memory", 0.0) / GIBIBYTE, have.get("memory", 0.0) / GIBIBYTE, " GiB"),
                "accelerators": _share(amounts.get(ACCELERATOR, 0.0), have.get(ACCELERATOR, 0.0)),
            }
        )
    return found


def _share(taken: float, have: float, unit: str = "") -> Object:
    return {"used": taken, "all": have, "text": f"{taken:.4g} / {have:.4g}{unit}"}


def _service(value: Object) -> Object:
    entry = condition_of(value, "Ready") or {}
    return {
        **_names(value),
        "ready": entry.get("status", "Unknown"),
        "reason": entry.get("reason", ""),
        "message": entry.get("message", ""),
        "url": (value.get("status") or {}).get("url", ""),
    }


def revisions(platform: Platform) -> list[Object]:
    """Every revision that has an autoscaler, and the requests inside its pods."""
    in_flight: dict[tuple[str, str], int] = {}
    for pod in platform.context.view(PODS):
        key = (pod["metadata"]["namespace"], labels(pod).get(REVISION, ""))
        in_flight[key] = in_flight.get(key, 0) + _in_flight(platform, pod)
    return [
        _revision(platform, value, in_flight.get((value["metadata"]["namespace"], value["metadata"]["name"]), 0))
        for value in platform.store.list(POD_AUTOSCALERS)
    ]


def _revision(platform: Platform, value: Object, in_flight: int) -> Object:
    metadata, status = value["metadata"], value.get("status") or {}
    key = RevisionKey(metadata["namespace"], metadata["name"])
    scaling = platform.autoscaler.scaling(key_of(value))
    shown: Object = {
        **_names(value),
        "desired": status.get("desiredScale"),
        "ready": status.get("actualScale"),
        "active": (condition_of(value, "Active") or {}).get("status", "Unknown"),
        "path": "activator" if platform.traffic.endpoints_of(key).proxy else "direct",
        "in_flight": in_flight,
        "buffered": sum(activator.buffered(key) for activator in platform.traffic.activators),
    }
    if scaling is not None:
        observed = scaling.kpa.observe(platform.clock.wall())
        shown |= {
            "metric": scaling.kpa.parameters.metric,
            "target": round(scaling.kpa.parameters.target_value, 3),
            "stable": None if observed is None else round(observed.stable, 2),
            "panic": None if observed is None else round(observed.panic, 2),
            "panicking": scaling.panicking,
        }
    return shown


def _autoscaler(value: Object) -> Object:
    spec, status = value["spec"], value.get("status") or {}
    return {
        **_names(value),
        "metrics": ", ".join(_metric(metric, status) for metric in spec.get("metrics") or ()),
        "current": status.get("currentReplicas", 0),
        "wanted": status.get("desiredReplicas", 0),
        "bounds": f"{spec.get('minReplicas', 1)} to {spec.get('maxReplicas', '')}",
    }


def _metric(metric: Object, status: Object) -> str:
    """Name, what is measured, what is aimed at."""
    resource = metric.get("resource") or {}
    name, target = resource.get("name", metric.get("type", "")), resource.get("target") or {}
    measured = next(
        (
            entry["resource"]["current"].get("averageUtilization")
            for entry in status.get("currentMetrics") or ()
            if (entry.get("resource") or {}).get("name") == name
        ),
        None,
    )
    aim = target.get("averageValue") or f"{target.get('averageUtilization', '?')}%"
    return f"{name} {'?' if measured is None else f'{measured}%'} of {aim}"


def _in_flight(platform: Platform, pod: Object) -> int:
    process = platform.kubelet.process(key_of(pod))
    return 0 if process is None else process.in_flight or 0


def _pod(platform: Platform, value: Object) -> Object:
    metadata, status = value["metadata"], value.get("status") or {}
    return {
        **_names(value),
        "phase": "Terminating" if is_terminating(value) else status.get("phase", "Pending"),
        "ready": is_true(value, "Ready"),
        "node": value["spec"].get("nodeName", ""),
        "devices": (metadata.get("annotations") or {}).get(DEVICES_ANNOTATION, ""),
        "in_flight": _in_flight(platform, value),
        "why": _why_not(value),
    }


def _why_not(pod: Object) -> str:
    """What keeps a pod from running: no node, or a container that does not stay."""
    scheduled = condition_of(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return str(scheduled.get("message", ""))
    status = pod.get("status") or {}
    for entry in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (entry.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return f"{entry['name']}: {waiting.get('reason', '')}, {waiting['message']}"
    return ""


def _names(value: Object) -> Object:
    return {"namespace": value["metadata"]["namespace"], "name": value["metadata"]["name"]}


def _event_time(value: Object) -> tuple[str, int]:
    time = value.get("lastTimestamp") or value["metadata"].get("creationTimestamp") or ""
    return (time, int(value["metadata"]["resourceVersion"]))


def _event(value: Object) -> Object:
    about = value.get("involvedObject") or value.get("regarding") or {}
    return {
        "key": value["metadata"]["uid"],
        "time": _event_time(value)[0],
        "type": value.get("type", ""),
        "about": f"{about.get('kind', '')} {about.get('namespace', '')}/{about.get('name', '')}",
        "reason": value.get("reason", ""),
        "message": value.get("message") or value.get("note") or "",
        "count": value.get("count") or 1,
    }
