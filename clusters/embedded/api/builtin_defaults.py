"""Defaults of built-in kinds that clients see, applied on every write as the server's decoding applies them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from clusters.embedded.api import namespaces
from clusters.embedded.api.go_structs import written
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object

Setter = Callable[[Object], None]


def _container(value: Object) -> None:
    value.setdefault("resources", {})
    value.setdefault("terminationMessagePath", "/dev/termination-log")
    value.setdefault("terminationMessagePolicy", "File")
    if not value.get("imagePullPolicy"):
        image = value.get("image", "")
        tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        latest = "@" not in image and tag in ("", "latest")
        value["imagePullPolicy"] = "Always" if latest else "IfNotPresent"
    for port in value.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if value.get(probe) is not None:
            _probe(value[probe])
    limits = value["resources"].get("limits")
    if limits:
        requests = value["resources"].setdefault("requests", {})
        for name, amount in limits.items():
            requests.setdefault(name, amount)
    for variable in value.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")


def _probe(value: Object) -> None:
    defaults = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    for name, amount in defaults.items():
        if not value.get(name):
            value[name] = amount
    if value.get("httpGet") is not None:
        value["httpGet"].setdefault("path", "/")
        value["httpGet"].setdefault("scheme", "HTTP")


def _pod_spec(spec: Object) -> None:
    for name in ("containers", "initContainers"):
        for container in spec.get(name) or ():
            _container(container)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for volume in spec.get("volumes") or ():
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if volume.get(source) is not None:
                volume[source].setdefault("defaultMode", 420)


def _pod(value: Object) -> None:
    spec = value.setdefault("spec", {})
    _pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)


def _new_pod(value: Object) -> None:
    """What admission gives a new pod: account, tolerations, priority, phase and class."""
    spec = value["spec"]
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("priority", 0)
    tolerations = spec.setdefault("tolerations", [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key") == key for one in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    value["status"] = {"phase": "Pending", "qosClass": quality(spec)}


def quality(spec: Object) -> str:
    """The quality-of-service class of a pod."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [one.get("resources") or {} for one in containers]
    named = [(one.get("limits") or {}, one.get("requests") or {}) for one in resources]
    if not any({"cpu", "memory"} & {*limits, *requests} for limits, requests in named):
        return "BestEffort"
    guaranteed = all(
        {"cpu", "memory"} <= set(limits) and all(requests.get(name, limits[name]) == limits[name] for name in limits)
        for limits, requests in named
    )
    return "Guaranteed" if guaranteed else "Burstable"


def _template(value: Object) -> Object:
    spec: Object = value.setdefault("spec", {})
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))
    return spec


def _deployment(value: Object) -> None:
    spec = _template(value)
    spec.setdefault("replicas", 1)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _replica_set(value: Object) -> None:
    _template(value).setdefault("replicas", 1)


def _daemon_set(value: Object) -> None:
    _template(value).setdefault("revisionHistoryLimit", 10)


def _stateful_set(value: Object) -> None:
    spec = _template(value)
    spec.setdefault("replicas", 1)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    strategy.setdefault("type", "RollingUpdate")


def _job(value: Object) -> None:
    spec = _template(value)
    for name, amount in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6)):
        spec.setdefault(name, amount)
    for name, word in (("completionMode", "NonIndexed"), ("podReplacementPolicy", "TerminatingOrFailed")):
        spec.setdefault(name, word)
    spec.setdefault("suspend", False)


def _service(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")


def _autoscaler(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _secret(value: Object) -> None:
    value.setdefault("type", "Opaque")


def _binding(value: Object) -> None:
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _nothing(_: Object) -> None:
    """No defaults."""


SETTERS: Final[Mapping[Storage, Setter]] = {
    ("", "pods"): _pod,
    ("", "services"): _service,
    ("", "secrets"): _secret,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("apps", "statefulsets"): _stateful_set,
    ("apps", "daemonsets"): _daemon_set,
    ("batch", "jobs"): _job,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("rbac.authorization.k8s.io", "rolebindings"): _binding,
    ("rbac.authorization.k8s.io", "clusterrolebindings"): _binding,
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


def admit_new(kind: Kind, value: Object) -> None:
    """What the server itself adds to a new object; nobody owns these fields."""
    if kind.storage == ("", "pods"):
        _new_pod(value)
    elif kind.storage == ("", "namespaces"):
        namespaces.complete(value)
    elif kind.storage == ("", "persistentvolumeclaims"):
        value["status"] = {"phase": "Pending"}
