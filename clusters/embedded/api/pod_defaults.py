"""Defaults of pods and of the pod templates in workloads, and what admission adds to a new pod."""

from __future__ import annotations

from clusters.embedded.api.status import Object


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


def pod_spec(spec: Object) -> None:
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
        if not any(isinstance(source, dict) for source in volume.values()):
            volume["emptyDir"] = {}
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if volume.get(source) is not None:
                volume[source].setdefault("defaultMode", 420)


def pod(value: Object) -> None:
    spec = value.setdefault("spec", {})
    pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)


def new_pod(value: Object) -> None:
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
