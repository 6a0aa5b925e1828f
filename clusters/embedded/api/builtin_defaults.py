"""Defaults of built-in kinds that clients see, applied on every write as the server's decoding applies them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from clusters.embedded.api import crds, namespaces, pod_defaults, workload_defaults
from clusters.embedded.api.go_structs import written
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object

Setter = Callable[[Object], None]
RBAC: Final = "rbac.authorization.k8s.io"


def _service(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP":
        affinity = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        affinity.setdefault("timeoutSeconds", 10800)
    spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _autoscaler(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics") and "targetCPUUtilizationPercentage" not in spec:
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _secret(value: Object) -> None:
    value.setdefault("type", "Opaque")
    plain = value.pop("stringData", None)
    if plain:
        data = value.setdefault("data", {})
        data.update({name: b64encode(text.encode()).decode() for name, text in plain.items()})


def _binding(value: Object) -> None:
    reference = value.setdefault("roleRef", {})
    if not reference.get("apiGroup"):
        reference["apiGroup"] = RBAC
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def _network_policy(value: Object) -> None:
    spec = value.setdefault("spec", {})
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _claim(value: Object) -> None:
    value.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _volume(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")


def _storage_class(value: Object) -> None:
    value.setdefault("reclaimPolicy", "Delete")
    value.setdefault("volumeBindingMode", "Immediate")


def _priority_class(value: Object) -> None:
    value.setdefault("preemptionPolicy", "PreemptLowerPriority")


def _endpoint_slice(value: Object) -> None:
    for port in value.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _endpoints(value: Object) -> None:
    for subset in value.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _limit_range(value: Object) -> None:
    for item in value.setdefault("spec", {}).get("limits") or ():
        if item.get("type") != "Container":
            continue
        limits = {**(item.get("max") or {}), **(item.get("default") or {})}
        requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
        for name, amounts in (("default", limits), ("defaultRequest", requests)):
            if amounts:
                item[name] = amounts


def _nothing(_: Object) -> None:
    """No defaults."""


SETTERS: Final[Mapping[Storage, Setter]] = {
    ("", "pods"): pod_defaults.pod,
    ("", "endpoints"): _endpoints,
    ("", "limitranges"): _limit_range,
    ("", "namespaces"): namespaces.label,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _volume,
    ("", "replicationcontrollers"): workload_defaults.replication_controller,
    ("", "secrets"): _secret,
    ("", "services"): _service,
    crds.CRD_STORAGE: crds.complete,
    ("apps", "daemonsets"): workload_defaults.daemon_set,
    ("apps", "deployments"): workload_defaults.deployment,
    ("apps", "replicasets"): workload_defaults.replica_set,
    ("apps", "statefulsets"): workload_defaults.stateful_set,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("batch", "cronjobs"): workload_defaults.cron_job,
    ("batch", "jobs"): workload_defaults.job,
    ("discovery.k8s.io", "endpointslices"): _endpoint_slice,
    ("networking.k8s.io", "networkpolicies"): _network_policy,
    (RBAC, "clusterrolebindings"): _binding,
    (RBAC, "rolebindings"): _binding,
    ("scheduling.k8s.io", "priorityclasses"): _priority_class,
    ("storage.k8s.io", "storageclasses"): _storage_class,
}


def set_defaults(kind: Kind, value: Object) -> None:
    """Fill in what the server would, in place."""
    if kind.custom:
        return
    SETTERS.get(kind.storage, _nothing)(value)
    filled = written(value)
    if filled is not value:
        value.clear()
        value.update(filled)


def _pending(value: Object) -> None:
    value["status"] = {"phase": "Pending"}


ADDITIONS: Final[Mapping[Storage, Setter]] = {
    ("", "namespaces"): namespaces.complete,
    ("", "persistentvolumeclaims"): _pending,
    ("", "persistentvolumes"): _pending,
    ("", "pods"): pod_defaults.new_pod,
    ("apps", "daemonsets"): workload_defaults.new_daemon_set,
    ("batch", "jobs"): workload_defaults.new_job,
}


def admit_new(kind: Kind, value: Object) -> None:
    """What the server itself adds to a new object; nobody owns these fields."""
    ADDITIONS.get(kind.storage, _nothing)(value)
