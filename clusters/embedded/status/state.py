"""What the status page shows, as plain data."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.controllers.conditions import is_true, known
from clusters.embedded.controllers.work import Key
from clusters.embedded.controllers.world import is_going
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.knative.words import REVISION, labels
from clusters.embedded.nodes.capacity import allocatable, used
from clusters.embedded.nodes.kubelet import ACCELERATOR, DEVICES_ANNOTATION
from clusters.embedded.platform import Platform
from conformance.api.resources import EVENTS, INFERENCE_SERVICES, NODES, POD_AUTOSCALERS, PODS

Object = dict[str, Any]

SHOWN_EVENTS: Final = 60


def state(platform: Platform) -> Object:
    """Everything at this moment."""
    store = platform.store
    pods = store.list(PODS)
    events = sorted(store.list(EVENTS), key=_event_time, reverse=True)[:SHOWN_EVENTS]
    return {
        "now": store.now(),
        "fault": platform.fault,
        "nodes": _nodes(platform, pods),
        "services": [_service(value) for value in store.list(INFERENCE_SERVICES)],
        "revisions": [_revision(platform, value) for value in store.list(POD_AUTOSCALERS)],
        "pods": [_pod(platform, value) for value in pods],
        "events": [_event(value) for value in events],
    }


def _nodes(platform: Platform, pods: list[Object]) -> list[Object]:
    taken = used(pods)
    found = []
    for node in platform.store.list(NODES):
        name, have = node["metadata"]["name"], allocatable(node)
        amounts = taken.get(name, {})
        found.append(
            {
                "name": name,
                "pods": f"{amounts.get('pods', 0):g} / {have.get('pods', 0):g}",
                "cpu": f"{amounts.get('cpu', 0):g} / {have.get('cpu', 0):g}",
                "accelerators": f"{amounts.get(ACCELERATOR, 0):g} / {have.get(ACCELERATOR, 0):g}",
            }
        )
    return found


def _service(value: Object) -> Object:
    entry = known(value, "Ready") or {}
    return {
        **_names(value),
        "ready": entry.get("status", "Unknown"),
        "reason": entry.get("reason", "") or entry.get("message", ""),
        "url": (value.get("status") or {}).get("url", ""),
    }


def _revision(platform: Platform, value: Object) -> Object:
    metadata, status = value["metadata"], value.get("status") or {}
    key = RevisionKey(metadata["namespace"], metadata["name"])
    scaling = platform.autoscaler.scaling(Key(*key))
    shown: Object = {
        **_names(value),
        "desired": status.get("desiredScale"),
        "ready": status.get("actualScale"),
        "active": (known(value, "Active") or {}).get("status", "Unknown"),
        "path": "activator" if platform.traffic.backing(key).proxy else "direct",
        "in_flight": sum(activator.in_flight(key) for activator in platform.traffic.activators),
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


def _pod(platform: Platform, value: Object) -> Object:
    metadata, status = value["metadata"], value.get("status") or {}
    process = platform.kubelet.process(Key(metadata["namespace"], metadata["name"]))
    scheduled = known(value, "PodScheduled") or {}
    phase = "Terminating" if is_going(value) else status.get("phase", "Pending")
    return {
        **_names(value),
        "revision": labels(value).get(REVISION, ""),
        "phase": phase,
        "ready": is_true(value, "Ready"),
        "node": value["spec"].get("nodeName", ""),
        "devices": (metadata.get("annotations") or {}).get(DEVICES_ANNOTATION, ""),
        "in_flight": process.witness.in_flight if process is not None and process.witness is not None else 0,
        "why": scheduled.get("message", "") if scheduled.get("status") == "False" else "",
    }


def _names(value: Object) -> Object:
    return {"namespace": value["metadata"]["namespace"], "name": value["metadata"]["name"]}


def _event_time(value: Object) -> tuple[str, int]:
    time = value.get("lastTimestamp") or value["metadata"].get("creationTimestamp") or ""
    return (time, int(value["metadata"]["resourceVersion"]))


def _event(value: Object) -> Object:
    about = value.get("involvedObject") or value.get("regarding") or {}
    return {
        "time": _event_time(value)[0],
        "type": value.get("type", ""),
        "about": f"{about.get('kind', '')} {about.get('namespace', '')}/{about.get('name', '')}",
        "reason": value.get("reason", ""),
        "message": value.get("message") or value.get("note") or "",
        "count": value.get("count") or 1,
    }
