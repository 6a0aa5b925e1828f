"""Strategies of the built-in kinds, defaulting: what the server fills into objects, on every write and when new.

Plain defaults are in `kinds.yaml`; here is what depends on the object. Defaults that no client of this server reads are
left out.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, POD_STORAGE, Kind, Storage

Setter = Callable[[Object], None]
RBAC: Final = "rbac.authorization.k8s.io"
NAME_LABEL: Final = "kubernetes.io/metadata.name"
JOB_LABEL: Final = "batch.kubernetes.io/"
NOT_THERE: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
PROBE: Final = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
CONTAINER: Final[Object] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
POD: Final[Object] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
NEW_POD: Final[Object] = {
    "serviceAccountName": "default",
    "preemptionPolicy": "PreemptLowerPriority",
    "priority": 0,
    "enableServiceLinks": True,
}


def set_defaults(kind: Kind, value: Object) -> None:
    """Fill in what the server would, in place, on every write."""
    if kind.custom:
        return
    _fill(value, kind.defaults)
    if kind.pod_template is not None:
        inner = value
        for name in kind.pod_template:
            inner = inner.setdefault(name, {})
        _pod_spec(inner.setdefault("spec", {}))
    SETTERS.get(kind.storage, _nothing)(value)


def admit_new(kind: Kind, value: Object) -> None:
    """What the server itself adds to a new object; nobody owns these fields."""
    if kind.custom:
        return
    if kind.status:
        value["status"] = copied(dict(kind.new_status))
    ADDITIONS.get(kind.storage, _nothing)(value)


def _nothing(_: Object) -> None:
    """Nothing depends on the object."""


def _fill(value: Object, defaults: Mapping[str, Any]) -> None:
    """Members that are not there, from a table, also inside objects."""
    for name, default in defaults.items():
        held = value.setdefault(name, copied(default))
        if isinstance(default, dict) and isinstance(held, dict):
            _fill(held, default)


def _container(value: Object) -> None:
    _fill(value, CONTAINER)
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
    if value["resources"].get("limits"):
        _fill(value["resources"].setdefault("requests", {}), value["resources"]["limits"])
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


def _new_pod(value: Object) -> None:
    """What admission gives a new pod: account, tolerations, priority, phase and class."""
    spec = value["spec"]
    _fill(spec, NEW_POD)
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
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


def _deployment(value: Object) -> None:
    strategy = value["spec"]["strategy"]
    if strategy["type"] == "RollingUpdate":
        _fill(strategy, {"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})


def _replica_set(value: Object) -> None:
    labels = (value["spec"]["template"].get("metadata") or {}).get("labels")
    if labels and not value["metadata"].get("labels"):
        value["metadata"]["labels"] = dict(labels)


def _job(value: Object) -> None:
    spec = value["spec"]
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
    spec.setdefault("parallelism", 1)


def _new_job(value: Object) -> None:
    """A job selects its pods by its own uid unless it is told to select by hand."""
    spec, metadata = value["spec"], value["metadata"]
    if spec.get("manualSelector"):
        return
    own = {f"{JOB_LABEL}controller-uid": metadata["uid"]}
    names = {f"{JOB_LABEL}job-name": metadata["name"], "job-name": metadata["name"]}
    _fill(spec["template"], {"metadata": {"labels": {**own, **names}}})
    spec["selector"] = {"matchLabels": own}


def _service(value: Object) -> None:
    spec = value["spec"]
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port["targetPort"] = port.get("targetPort") or port.get("port")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")


def _secret(value: Object) -> None:
    plain = value.pop("stringData", None)
    if plain:
        value.setdefault("data", {}).update({name: b64encode(text.encode()).decode() for name, text in plain.items()})


def _binding(value: Object) -> None:
    reference = value.setdefault("roleRef", {})
    reference["apiGroup"] = reference.get("apiGroup") or RBAC
    for subject in value.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def _new_namespace(value: Object) -> None:
    value["spec"] = {"finalizers": ["kubernetes"], **(value.get("spec") or {})}


def _namespace(value: Object) -> None:
    """Every namespace is labelled with its name."""
    if value["metadata"].get("name"):
        value["metadata"].setdefault("labels", {})[NAME_LABEL] = value["metadata"]["name"]


def _definition(value: Object) -> None:
    """A definition without names is left for validation to refuse."""
    spec = value.get("spec") or {}
    names = spec.get("names") or {}
    if names.get("kind"):
        _fill(names, {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List"})
        spec.setdefault("conversion", {"strategy": "None"})


SETTERS: Final[Mapping[Storage, Setter]] = {
    CRD_STORAGE: _definition,
    NAMESPACE_STORAGE: _namespace,
    ("", "secrets"): _secret,
    ("", "services"): _service,
    ("apps", "deployments"): _deployment,
    ("apps", "replicasets"): _replica_set,
    ("batch", "jobs"): _job,
    (RBAC, "clusterrolebindings"): _binding,
    (RBAC, "rolebindings"): _binding,
}

ADDITIONS: Final[Mapping[Storage, Setter]] = {
    NAMESPACE_STORAGE: _new_namespace,
    POD_STORAGE: _new_pod,
    ("batch", "jobs"): _new_job,
}
