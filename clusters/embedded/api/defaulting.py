"""Strategies of the built-in kinds, defaulting: what the server fills into objects, on every write and when they are
new. Defaults that no client of this server reads are left out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, POD_STORAGE, Kind, Storage
from clusters.embedded.api.status import Object

Setter = Callable[[Object], None]
RBAC: Final = "rbac.authorization.k8s.io"
NAME_LABEL: Final = "kubernetes.io/metadata.name"
NOT_THERE: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
PROBE: Final = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
POD: Final[Object] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
NEW_POD: Final[Object] = {"preemptionPolicy": "PreemptLowerPriority", "priority": 0, "enableServiceLinks": True}
ROLLING: Final[Object] = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
JOB: Final[Object] = {"parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False}
CRON_JOB: Final[Object] = {
    "concurrencyPolicy": "Allow",
    "suspend": False,
    "successfulJobsHistoryLimit": 3,
    "failedJobsHistoryLimit": 1,
}


def _fill(value: Object, defaults: Mapping[str, Any]) -> None:
    """Members that are not there, from a table."""
    for name, default in defaults.items():
        value.setdefault(name, copied(default))


def _container(value: Object) -> None:
    _fill(
        value, {"resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    )
    if not value.get("imagePullPolicy"):
        image = value.get("image", "")
        tag = image.rpartition("/")[2].partition("@")[0].partition(":")[2]
        is_latest = "@" not in image and tag in ("", "latest")
        value["imagePullPolicy"] = "Always" if is_latest else "IfNotPresent"
    for port in value.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = value.get(name)
        if probe is not None:
            probe.update({key: amount for key, amount in PROBE.items() if not probe.get(key)})
            if probe.get("httpGet") is not None:
                _fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})
    limits = value["resources"].get("limits")
    if limits:
        _fill(value["resources"].setdefault("requests", {}), limits)
    for variable in value.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")


def _pod_spec(spec: Object) -> None:
    for name in ("containers", "initContainers"):
        for container in spec.get(name) or ():
            _container(container)
    _fill(spec, POD)
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for volume in spec.get("volumes") or ():
        if not any(isinstance(source, dict) for source in volume.values()):
            volume["emptyDir"] = {}
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if volume.get(source) is not None:
                volume[source].setdefault("defaultMode", 420)


def _pod(value: Object) -> None:
    _pod_spec(value.setdefault("spec", {}))


def _new_pod(value: Object) -> None:
    """What admission gives a new pod: account, tolerations, priority, phase and class."""
    spec = value["spec"]
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    _fill(spec, NEW_POD)
    tolerations = spec.setdefault("tolerations", [])
    for key in NOT_THERE:
        if not any(one.get("key") == key for one in tolerations):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    value["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def _quality(spec: Object) -> str:
    """The quality-of-service class of a pod."""
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    resources = [one.get("resources") or {} for one in containers]
    named = [(one.get("limits") or {}, one.get("requests") or {}) for one in resources]
    if not any({"cpu", "memory"} & {*limits, *requests} for limits, requests in named):
        return "BestEffort"
    is_guaranteed = all(
        {"cpu", "memory"} <= set(limits) and all(requests.get(name, limits[name]) == limits[name] for name in limits)
        for limits, requests in named
    )
    return "Guaranteed" if is_guaranteed else "Burstable"


def _template(spec: Object) -> Object:
    """The spec of a workload, with defaults in its pod template."""
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))
    return spec


def _deployment(value: Object) -> None:
    spec = _template(value.setdefault("spec", {}))
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy.setdefault("rollingUpdate", {}), ROLLING["rollingUpdate"])
    _fill(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})


def _replica_set(value: Object) -> None:
    spec = _template(value.setdefault("spec", {}))
    spec.setdefault("replicas", 1)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not value["metadata"].get("labels"):
        value["metadata"]["labels"] = dict(labels)


def _stateful_set(value: Object) -> None:
    spec = _template(value.setdefault("spec", {}))
    _fill(spec, {"replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10})
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})


def _daemon_set(value: Object) -> None:
    spec = _template(value.setdefault("spec", {}))
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("updateStrategy", {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}})


def _job(value: Object) -> None:
    spec = _template(value.setdefault("spec", {}))
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    _fill(spec, JOB)


def _new_job(value: Object) -> None:
    """A job selects its pods by its own uid unless it is told to select by hand."""
    spec, metadata = value["spec"], value["metadata"]
    if spec.get("manualSelector"):
        return
    labels = {"batch.kubernetes.io/controller-uid": metadata["uid"], "batch.kubernetes.io/job-name": metadata["name"]}
    _fill(spec["template"]["metadata"].setdefault("labels", {}), {**labels, "job-name": metadata["name"]})
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}}


def _cron_job(value: Object) -> None:
    spec = value.setdefault("spec", {})
    _fill(spec, CRON_JOB)
    _template(spec.setdefault("jobTemplate", {}).setdefault("spec", {}))


def _service(value: Object) -> None:
    spec = value.setdefault("spec", {})
    _fill(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if not port.get("targetPort"):
            port["targetPort"] = port.get("port")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")


def _autoscaler(value: Object) -> None:
    spec = value.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _secret(value: Object) -> None:
    value.setdefault("type", "Opaque")
    plain = value.pop("stringData", None)
    if plain:
        value.setdefault("data", {}).update({name: b64encode(text.encode()).decode() for name, text in plain.items()})


def _binding(value: Object) -> None:
    reference = value.setdefault("roleRef", {})
    reference["apiGroup"] = reference.get("apiGroup") or RBAC
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def label_namespace(value: Object) -> None:
    """Every namespace is labelled with its name."""
    if value["metadata"].get("name"):
        value["metadata"].setdefault("labels", {})[NAME_LABEL] = value["metadata"]["name"]


def complete_namespace(value: Object) -> None:
    """What the server gives a new namespace."""
    label_namespace(value)
    value.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    value["status"] = {"phase": "Active"}


def _definition(value: Object) -> None:
    """A definition without names is left for validation to refuse."""
    spec = value.get("spec") or {}
    names = spec.get("names") or {}
    if names.get("kind"):
        _fill(names, {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List"})
        spec.setdefault("conversion", {"strategy": "None"})


SETTERS: Final[Mapping[Storage, Setter]] = {
    POD_STORAGE: _pod,
    NAMESPACE_STORAGE: label_namespace,
    ("", "secrets"): _secret,
    ("", "services"): _service,
    CRD_STORAGE: _definition,
    ("apps", "daemonsets"): _daemon_set,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("apps", "statefulsets"): _stateful_set,
    ("autoscaling", "horizontalpodautoscalers"): _autoscaler,
    ("batch", "cronjobs"): _cron_job,
    ("batch", "jobs"): _job,
    (RBAC, "clusterrolebindings"): _binding,
    (RBAC, "rolebindings"): _binding,
}

ADDITIONS: Final[Mapping[Storage, Setter]] = {
    NAMESPACE_STORAGE: complete_namespace,
    POD_STORAGE: _new_pod,
    ("batch", "jobs"): _new_job,
}

NEW_STATUS: Final[Mapping[Storage, Object]] = {
    ("", "persistentvolumeclaims"): {"phase": "Pending"},
    ("", "persistentvolumes"): {"phase": "Pending"},
    ("", "services"): {"loadBalancer": {}},
    ("apps", "daemonsets"): {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    ("apps", "replicasets"): {"replicas": 0},
    ("apps", "statefulsets"): {"replicas": 0, "availableReplicas": 0},
    ("autoscaling", "horizontalpodautoscalers"): {"currentMetrics": None, "desiredReplicas": 0},
    ("policy", "poddisruptionbudgets"): {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    },
}
"""What typed clients insist on; other kinds with a status begin with an empty one."""


def set_defaults(kind: Kind, value: Object) -> None:
    """Fill in what the server would, in place, on every write."""
    setter = SETTERS.get(kind.storage)
    if setter is not None and not kind.custom:
        setter(value)


def admit_new(kind: Kind, value: Object) -> None:
    """What the server itself adds to a new object; nobody owns these fields."""
    if kind.custom:
        return
    if kind.status:
        value["status"] = copied(NEW_STATUS.get(kind.storage, {}))
    setter = ADDITIONS.get(kind.storage)
    if setter is not None:
        setter(value)
