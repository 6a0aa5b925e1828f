"""Columns and cells of the built-in kinds that compute them; those of the others are JSONPaths in `kinds.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.kinds import POD_STORAGE, Column, Storage

Cells = Callable[[Object, float], list[Any]]
"""From an object and the time now, in Unix seconds."""

NONE: Final = "<none>"
UNKNOWN: Final = "<unknown>"


def human_duration(seconds: float) -> str:
    """As kubectl words it, in at most two units, fewer the longer it is: 45s, 3m20s, 5h12m, 4d, 2y10d."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(whole, 0)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _pair(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _pair(days, "d", hours % 24, "h")
    return f"{days}d" if days < 730 else _pair(days // 365, "y", days % 365, "d")


def _pair(major: int, major_unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{major_unit}{minor}{minor_unit}" if minor else f"{major}{major_unit}"


def age(stamp: Any, now: float) -> str:
    """How long ago an RFC 3339 time was."""
    try:
        return human_duration(now - datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp())
    except (ValueError, AttributeError, TypeError):
        return UNKNOWN


def age_of(value: Object, now: float) -> str:
    return age(value["metadata"].get("creationTimestamp"), now)


def pairs_text(selector: Any) -> str:
    """matchLabels or a plain map as `a=b,c=d`."""
    pairs = (selector or {}).get("matchLabels", selector) or {}
    return ",".join(f"{key}={pairs[key]}" for key in sorted(pairs) if isinstance(pairs[key], str)) or NONE


def _parts(value: Object) -> tuple[Object, Object]:
    return value.get("spec") or {}, value.get("status") or {}


def _template(spec: Object) -> list[str]:
    """Containers and images of a pod template."""
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    return [",".join(item.get(name, "") for item in containers) for name in ("name", "image")]


def _deployment(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    counts = [status.get(name, 0) for name in ("updatedReplicas", "availableReplicas")]
    return [ready, *counts, age_of(value, now), *_template(spec), pairs_text(spec.get("selector"))]


def _replica_set(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    counts = [spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*counts, age_of(value, now), *_template(spec), pairs_text(spec.get("selector"))]


def _service(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    type_, external = spec.get("type", "ClusterIP"), ",".join(spec.get("externalIPs") or ())
    if type_ == "ExternalName":
        external = spec.get("externalName", "")
    elif type_ == "LoadBalancer":
        places = (status.get("loadBalancer") or {}).get("ingress") or []
        external = ",".join(place.get("ip") or place.get("hostname", "") for place in places) or "<pending>"
    ports = ",".join(
        f"{port.get('port')}{':' if port.get('nodePort') else ''}{port.get('nodePort') or ''}/{port.get('protocol')}"
        for port in spec.get("ports") or ()
    )
    selector = pairs_text(spec.get("selector"))
    return [type_, spec.get("clusterIP") or NONE, external or NONE, ports or NONE, age_of(value, now), selector]


def _event(value: Object, now: float) -> list[Any]:
    involved, source = value.get("involvedObject") or {}, value.get("source") or {}
    target = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    last = value.get("lastTimestamp") or value.get("firstTimestamp") or value.get("eventTime")
    seen = [age(last, now), value.get("type", ""), value.get("reason", ""), target]
    component = source.get("component") or value.get("reportingComponent") or ""
    return [*seen, component, str(value.get("message", "")).strip(), value.get("count") or 1]


def _node(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    ready = next((one for one in status.get("conditions") or () if one.get("type") == "Ready"), None)
    text = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    if spec.get("unschedulable"):
        text += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = value["metadata"].get("labels") or {}
    roles = ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or NONE
    info = status.get("nodeInfo") or {}
    addresses = {one.get("type"): one.get("address") for one in status.get("addresses") or ()}
    places = [addresses.get(name, NONE) for name in ("InternalIP", "ExternalIP")]
    build = [info.get(name, UNKNOWN) for name in ("osImage", "kernelVersion", "containerRuntimeVersion")]
    return [text, roles, age_of(value, now), info.get("kubeletVersion", ""), *places, *build]


def _metric(metric: Object, current: Object) -> str:
    source = metric.get(str(metric.get("type", "")).lower()) or {}
    target, have = source.get("target") or {}, (current.get("resource") or {}).get("current") or {}
    name = f"{source['name']}: " if source.get("name") else ""
    if target.get("averageUtilization") is not None:
        seen = have.get("averageUtilization")
        return f"{name}{UNKNOWN if seen is None else f'{seen}%'}/{target['averageUtilization']}%"
    return f"{name}{have.get('averageValue', UNKNOWN)}/{target.get('averageValue') or target.get('value')}"


def _autoscaler(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    reference, current = spec.get("scaleTargetRef") or {}, status.get("currentMetrics") or ()
    metrics = [
        _metric(one, next(iter(current[index : index + 1]), {})) for index, one in enumerate(spec.get("metrics") or ())
    ]
    bounds = [str(spec.get("minReplicas", "<unset>")), spec.get("maxReplicas"), status.get("currentReplicas", 0)]
    return [f"{reference.get('kind')}/{reference.get('name')}", ", ".join(metrics) or NONE, *bounds, age_of(value, now)]


def _pod(value: Object, now: float) -> list[Any]:
    spec, status = _parts(value)
    statuses = status.get("containerStatuses") or []
    ready = sum(1 for one in statuses if one.get("ready") and "running" in (one.get("state") or {}))
    starting = _initialising(spec, status)
    counted = status.get("initContainerStatuses") or [] if starting else statuses
    restarts = str(sum(one.get("restartCount", 0) for one in counted))
    ended = [((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for one in statuses]
    if restarts != "0" and any(ended):
        restarts += f" ({age(max(one for one in ended if one), now)} ago)"
    reason = starting or _running(statuses, status)
    if value["metadata"].get("deletionTimestamp"):
        reason = "Terminating"
    count = f"{ready}/{len(spec.get('containers') or ())}"
    return [count, reason, restarts, age_of(value, now), status.get("podIP") or NONE, spec.get("nodeName") or NONE]


def _initialising(spec: Object, status: Object) -> str:
    """What an init container is at, empty when none is."""
    for index, one in enumerate(status.get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended and ended.get("exitCode", 0) == 0:
            continue
        if ended:
            return f"Init:{_end(ended)}"
        if waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(spec.get('initContainers') or ())}"
    return ""


def _running(statuses: list[Object], status: Object) -> str:
    """One word about a pod whose init containers are done."""
    reason, is_running = status.get("reason") or status.get("phase") or "Unknown", False
    for one in reversed(statuses):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = _end(ended)
        elif one.get("ready") and "running" in state:
            is_running = True
    return "Running" if reason == "Completed" and is_running else str(reason)


def _end(ended: Object) -> str:
    return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}")


def _config_map(value: Object, now: float) -> list[Any]:
    return [len(value.get("data") or ()) + len(value.get("binaryData") or ()), age_of(value, now)]


def _secret(value: Object, now: float) -> list[Any]:
    return [value.get("type", "Opaque"), len(value.get("data") or ()), age_of(value, now)]


def _service_account(value: Object, now: float) -> list[Any]:
    return [len(value.get("secrets") or ()), age_of(value, now)]


def _columns(*names: str) -> tuple[Column, ...]:
    """A `+` in front marks a column that only a wide table shows."""
    return tuple(Column(name.removeprefix("+"), priority=int(name.startswith("+"))) for name in names)


COMPUTED: Final[Mapping[Storage, tuple[tuple[Column, ...], Cells]]] = {
    POD_STORAGE: (_columns("Ready", "Status", "Restarts", "Age", "+IP", "+Node"), _pod),
    ("", "configmaps"): (_columns("Data", "Age"), _config_map),
    ("", "events"): (_columns("Last Seen", "Type", "Reason", "Object", "+Source", "Message", "+Count"), _event),
    ("", "nodes"): (
        _columns(
            "Status", "Roles", "Age", "Version", "+Internal-IP", "+External-IP", "+OS-Image", "+Kernel-Version",
            "+Container-Runtime",
        ),
        _node,
    ),
    ("", "secrets"): (_columns("Type", "Data", "Age"), _secret),
    ("", "serviceaccounts"): (_columns("Secrets", "Age"), _service_account),
    ("", "services"): (_columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"), _service),
    ("apps", "deployments"): (
        _columns("Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector"),
        _deployment,
    ),
    ("apps", "replicasets"): (
        _columns("Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector"),
        _replica_set,
    ),
    ("autoscaling", "horizontalpodautoscalers"): (
        _columns("Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"),
        _autoscaler,
    ),
}  # fmt: skip
