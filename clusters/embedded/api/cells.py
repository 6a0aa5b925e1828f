"""Cells of built-in kinds' tables, as `kubectl get` shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from clusters.embedded.api import pod_cells
from clusters.embedded.api.durations import human_duration
from clusters.embedded.api.kinds import Column, Kind, Storage
from clusters.embedded.api.status import Object

Cells = Callable[[Object, float], list[Any]]
NONE: Final = "<none>"


def age_of(value: Object, now_seconds: float, stamp: Any = "") -> str:
    """Age of an object, or of a time."""
    text = stamp or value["metadata"].get("creationTimestamp")
    if not isinstance(text, str) or not text:
        return "<unknown>"
    then = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    return human_duration(now_seconds - then)


def selector_text(selector: Any) -> str:
    """matchLabels or a plain map as `a=b,c=d`."""
    pairs = (selector or {}).get("matchLabels", selector) if isinstance(selector, Mapping) else None
    text = ",".join(f"{key}={pairs[key]}" for key in sorted(pairs) if isinstance(pairs[key], str)) if pairs else ""
    return text or NONE


def _images(value: Object) -> tuple[str, str]:
    containers = ((value.get("spec") or {}).get("template") or {}).get("spec", {}).get("containers") or []
    names = ",".join(item.get("name", "") for item in containers)
    return names, ",".join(item.get("image", "") for item in containers)


def _deployment(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return [ready, updated, available, age_of(value, now), *_images(value), selector_text(spec.get("selector"))]


def _replica_set(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    counts = [spec.get("replicas", 1), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*counts, age_of(value, now), *_images(value), selector_text(spec.get("selector"))]


def _stateful_set(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    return [f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 1)}", age_of(value, now), *_images(value)]


def _daemon_set(value: Object, now: float) -> list[Any]:
    status = value.get("status") or {}
    names = ("desired", "current")
    counts = [status.get(f"{name}NumberScheduled", 0) for name in names]
    counts += [status.get(name, 0) for name in ("numberReady", "updatedNumberScheduled", "numberAvailable")]
    selector = (((value.get("spec") or {}).get("template") or {}).get("spec") or {}).get("nodeSelector")
    whole = selector_text((value.get("spec") or {}).get("selector"))
    return [*counts, selector_text(selector), age_of(value, now), *_images(value), whole]


def _cron_job(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    last = age_of(value, now, status["lastScheduleTime"]) if status.get("lastScheduleTime") else NONE
    template = (spec.get("jobTemplate") or {}).get("spec") or {}
    head = [spec.get("schedule"), spec.get("timeZone") or NONE, bool(spec.get("suspend"))]
    rest = [len(status.get("active") or ()), last, age_of(value, now)]
    return [*head, *rest, *_images({"spec": template}), selector_text(template.get("selector"))]


def _service(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    type_ = spec.get("type", "ClusterIP")
    external = NONE
    if type_ == "ExternalName":
        external = spec.get("externalName", NONE)
    elif type_ == "LoadBalancer":
        places = (status.get("loadBalancer") or {}).get("ingress") or []
        external = ",".join(place.get("ip") or place.get("hostname", "") for place in places) or "<pending>"
    if type_ != "ExternalName" and spec.get("externalIPs"):
        external = ",".join(spec["externalIPs"])
    ports = ",".join(
        f"{port.get('port')}:{port['nodePort']}/{port.get('protocol', 'TCP')}"
        if port.get("nodePort")
        else f"{port.get('port')}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports") or ()
    )
    own = spec.get("clusterIP") or NONE
    return [type_, own, external, ports or NONE, age_of(value, now), selector_text(spec.get("selector"))]


def _shortened(items: list[str], limit: int) -> str:
    if not items:
        return "<unset>"
    text = ",".join(items[:limit])
    return text if len(items) <= limit else f"{text} + {len(items) - limit} more..."


def _endpoint_slice(value: Object, now: float) -> list[Any]:
    ports = [str(port.get("port", "<unset>")) for port in value.get("ports") or ()]
    addresses = [address for endpoint in value.get("endpoints") or () for address in endpoint.get("addresses") or ()]
    return [value.get("addressType"), _shortened(ports, 3), _shortened(addresses, 3), age_of(value, now)]


def _event_source(value: Object) -> str:
    source = value.get("source") or {}
    component = source.get("component") or value.get("reportingComponent") or ""
    instance = source.get("host") or value.get("reportingInstance") or ""
    return f"{component}, {instance}" if instance else component


def _event(value: Object, now: float) -> list[Any]:
    involved = value.get("involvedObject") or {}
    target = f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"
    first = value.get("firstTimestamp") or value.get("eventTime")
    last = ((value.get("series") or {}).get("lastObservedTime")) or value.get("lastTimestamp") or first
    count = (value.get("series") or {}).get("count") or value.get("count") or 1
    seen = [age_of(value, now, last or ""), value.get("type", ""), value.get("reason", ""), target]
    message = str(value.get("message", "")).strip()
    return [*seen, involved.get("fieldPath", ""), _event_source(value), message, age_of(value, now, first or ""), count]


def _node(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    ready = next((one for one in status.get("conditions") or () if one.get("type") == "Ready"), None)
    text = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    if spec.get("unschedulable"):
        text += ",SchedulingDisabled"
    prefix = "node-role.kubernetes.io/"
    labels = value["metadata"].get("labels") or {}
    roles = ",".join(sorted(key[len(prefix) :] for key in labels if key.startswith(prefix))) or NONE
    info = status.get("nodeInfo") or {}
    addresses = {one.get("type"): one.get("address") for one in status.get("addresses") or ()}
    kernel = info.get("kernelVersion", "<unknown>")
    if info.get("architecture"):
        kernel = f"{kernel} ({info['architecture']})"
    return [
        text,
        roles,
        age_of(value, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage", "<unknown>"),
        kernel,
        info.get("containerRuntimeVersion", "<unknown>"),
    ]


def _metric(metric: Object, current: Object | None) -> str:
    source = metric.get(str(metric.get("type", "")).lower(), metric.get("resource")) or {}
    target = source.get("target") or {}
    have = ((current or {}).get("resource") or {}).get("current") or {}
    name = f"{source.get('name')}: " if source.get("name") else ""
    if target.get("averageUtilization") is not None:
        seen = have.get("averageUtilization")
        return f"{name}{'<unknown>' if seen is None else f'{seen}%'}/{target['averageUtilization']}%"
    wanted = target.get("averageValue") or target.get("value") or "<unset>"
    return f"{name}{have.get('averageValue', '<unknown>')}/{wanted}"


def _autoscaler(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    reference = spec.get("scaleTargetRef") or {}
    current = status.get("currentMetrics") or []
    metrics = [
        _metric(metric, current[index] if index < len(current) else None)
        for index, metric in enumerate(spec.get("metrics") or ())
    ]
    least = spec.get("minReplicas", "<unset>")
    return [
        f"{reference.get('kind')}/{reference.get('name')}",
        ", ".join(metrics) or NONE,
        str(least),
        spec.get("maxReplicas"),
        status.get("currentReplicas", 0),
        age_of(value, now),
    ]


def _job(value: Object, now: float) -> list[Any]:
    spec, status = value.get("spec") or {}, value.get("status") or {}
    done = next((c["type"] for c in status.get("conditions") or () if c.get("status") == "True"), "Running")
    count = f"{status.get('succeeded', 0)}/{spec.get('completions', 1)}"
    took = ""
    if status.get("startTime"):
        start = datetime.fromisoformat(status["startTime"].replace("Z", "+00:00")).timestamp()
        end = status.get("completionTime")
        until = datetime.fromisoformat(end.replace("Z", "+00:00")).timestamp() if end else now
        took = human_duration(until - start)
    return [done, count, took, age_of(value, now), *_images(value), selector_text(spec.get("selector"))]


def columns(*specs: str) -> tuple[Column, ...]:
    """From `Name`, `Name/type` or `Name/type/priority`."""
    made = []
    for spec in specs:
        name, _, rest = spec.partition("|")
        type_, _, priority = rest.partition("|")
        made.append(Column(name, type_ or "string", priority=int(priority or 0)))
    return tuple(made)


_WORKLOAD: Final = ("Containers|string|1", "Images|string|1", "Selector|string|1")

COLUMNS: Final[Mapping[Storage, tuple[Column, ...]]] = {
    ("", "pods"): columns(
        "Ready", "Status", "Restarts", "Age", "IP|string|1", "Node|string|1", "Nominated Node|string|1",
        "Readiness Gates|string|1",
    ),
    ("", "namespaces"): columns("Status", "Age"),
    ("", "nodes"): columns(
        "Status", "Roles", "Age", "Version", "Internal-IP|string|1", "External-IP|string|1", "OS-Image|string|1",
        "Kernel-Version|string|1", "Container-Runtime|string|1",
    ),
    ("", "services"): columns("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector|string|1"),
    ("", "configmaps"): columns("Data", "Age"),
    ("", "secrets"): columns("Type", "Data", "Age"),
    ("", "serviceaccounts"): columns("Secrets", "Age"),
    ("", "resourcequotas"): columns("Request", "Limit", "Age"),
    ("", "events"): columns(
        "Last Seen", "Type", "Reason", "Object", "Subobject|string|1", "Source|string|1", "Message",
        "First Seen|string|1", "Count|string|1",
    ),
    ("apps", "deployments"): columns("Ready", "Up-to-date", "Available", "Age", *_WORKLOAD),
    ("apps", "replicasets"): columns("Desired|integer", "Current|integer", "Ready|integer", "Age", *_WORKLOAD),
    ("apps", "statefulsets"): columns("Ready", "Age", "Containers|string|1", "Images|string|1"),
    ("apps", "daemonsets"): columns(
        "Desired|integer", "Current|integer", "Ready|integer", "Up-to-date|integer", "Available|integer",
        "Node Selector", "Age", *_WORKLOAD,
    ),
    ("", "replicationcontrollers"): columns("Desired|integer", "Current|integer", "Ready|integer", "Age", *_WORKLOAD),
    ("batch", "cronjobs"): columns(
        "Schedule", "Timezone", "Suspend|boolean", "Active|integer", "Last Schedule", "Age", *_WORKLOAD
    ),
    ("batch", "jobs"): columns("Status", "Completions", "Duration", "Age", *_WORKLOAD),
    ("autoscaling", "horizontalpodautoscalers"): columns(
        "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"
    ),
    ("discovery.k8s.io", "endpointslices"): columns("AddressType", "Ports", "Endpoints", "Age"),
    ("coordination.k8s.io", "leases"): columns("Holder", "Age"),
    ("rbac.authorization.k8s.io", "rolebindings"): columns(
        "Role", "Age", "Users|string|1", "Groups|string|1", "ServiceAccounts|string|1"
    ),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): columns(
        "Role", "Age", "Users|string|1", "Groups|string|1", "ServiceAccounts|string|1"
    ),
}  # fmt: skip


def _binding(value: Object, now: float) -> list[Any]:
    role = value.get("roleRef") or {}
    subjects = value.get("subjects") or []
    users = ", ".join(one["name"] for one in subjects if one.get("kind") == "User")
    groups = ", ".join(one["name"] for one in subjects if one.get("kind") == "Group")
    accounts = ", ".join(
        f"{one.get('namespace', '')}/{one['name']}" for one in subjects if one.get("kind") == "ServiceAccount"
    )
    return [f"{role.get('kind')}/{role.get('name')}", age_of(value, now), users, groups, accounts]


def _quota(value: Object, now: float) -> list[Any]:
    hard = (value.get("status") or {}).get("hard") or (value.get("spec") or {}).get("hard") or {}
    used = (value.get("status") or {}).get("used") or {}
    lines = {name: f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard)}
    limits = ", ".join(line for name, line in lines.items() if name.startswith("limits"))
    return [
        ", ".join(line for name, line in lines.items() if not name.startswith("limits")),
        limits,
        age_of(value, now),
    ]


CELLS: Final[Mapping[Storage, Cells]] = {
    ("", "pods"): lambda value, now: pod_cells.cells(value, now, age_of(value, now)),
    ("", "namespaces"): lambda value, now: [(value.get("status") or {}).get("phase", ""), age_of(value, now)],
    ("", "nodes"): _node,
    ("", "services"): _service,
    ("", "configmaps"): lambda value, now: [
        len(value.get("data") or ()) + len(value.get("binaryData") or ()),
        age_of(value, now),
    ],
    ("", "secrets"): lambda value, now: [value.get("type", "Opaque"), len(value.get("data") or ()), age_of(value, now)],
    ("", "serviceaccounts"): lambda value, now: [len(value.get("secrets") or ()), age_of(value, now)],
    ("", "resourcequotas"): _quota,
    ("", "events"): _event,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("apps", "statefulsets"): _stateful_set,
    ("apps", "daemonsets"): _daemon_set,
    ("", "replicationcontrollers"): _replica_set,
    ("batch", "cronjobs"): _cron_job,
    ("batch", "jobs"): _job,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("discovery.k8s.io", "endpointslices"): _endpoint_slice,
    ("coordination.k8s.io", "leases"): lambda value, now: [
        (value.get("spec") or {}).get("holderIdentity", ""),
        age_of(value, now),
    ],
    ("rbac.authorization.k8s.io", "rolebindings"): _binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _binding,
}


def row_conditions(kind: Kind, value: Object) -> list[Object]:
    """Row conditions: a finished pod is marked so that clients can hide it."""
    if kind.storage != ("", "pods"):
        return []
    phase = (value.get("status") or {}).get("phase")
    if phase not in ("Succeeded", "Failed"):
        return []
    message = f"The pod has {'completed successfully' if phase == 'Succeeded' else 'failed'}."
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]
