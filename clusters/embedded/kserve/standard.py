"""From a component's pods to its Deployment, Service and HorizontalPodAutoscaler in Standard mode
(reconcilers/deployment, service, hpa)."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.kserve.component_objects import PodTemplate
from clusters.embedded.kserve.kserve_names import AUTOSCALER_CLASS
from clusters.embedded.objects.metadata import Object, annotations_of

DEFAULT_CPU_PERCENT: Final = 80
PORT: Final = 8080


def app(name: str) -> str:
    """Label value that selects a component's pods."""
    return f"isvc.{name}"


def _metadata(service: Object, name: str, template: PodTemplate) -> Object:
    labels = {**template.labels, "app": app(name)}
    return {"name": name, "namespace": service["metadata"]["namespace"], "labels": labels}


def deployment(service: Object, part: Object, name: str, template: PodTemplate, *, stopped: bool) -> Object:
    """The Deployment. Its replicas belong to the autoscaler unless there is none."""
    metadata = _metadata(service, name, template)
    pod = copied(template.spec)
    for container in pod["containers"]:
        container.setdefault("readinessProbe", {"tcpSocket": {"port": PORT}, "periodSeconds": 10, "timeoutSeconds": 1})
    spec: Object = {
        "selector": {"matchLabels": {"app": app(name)}},
        "strategy": part.get("deploymentStrategy")
        or {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        "template": {
            "metadata": {"labels": metadata["labels"], "annotations": template.annotations},
            "spec": {**pod, "terminationGracePeriodSeconds": 30},
        },
    }
    if stopped:
        spec["replicas"] = 0
    elif annotations_of(service).get(AUTOSCALER_CLASS) == "none":
        least = part.get("minReplicas")
        spec["replicas"] = 1 if least is None else least
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "annotations": dict(template.annotations)},
        "spec": spec,
    }


def cluster_service(service: Object, name: str, template: PodTemplate) -> Object:
    """The Service in front of the pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(service, name, template),
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": app(name)},
            "ports": [{"name": name, "port": 80, "protocol": "TCP", "targetPort": PORT}],
        },
    }


def horizontal_autoscaler(service: Object, part: Object, name: str, template: PodTemplate) -> Object | None:
    """The HPA, None when something else scales. minReplicas 0 becomes 1, a smaller maximum the minimum."""
    if annotations_of(service).get(AUTOSCALER_CLASS) not in (None, "hpa"):
        return None
    least = max(1, part.get("minReplicas") or 1)
    most = max(least, part.get("maxReplicas") or 0)
    metadata = _metadata(service, name, template)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": _metrics(part) or [_utilization("cpu", DEFAULT_CPU_PERCENT)],
            "behavior": {},
        },
    }


def _metrics(part: Object) -> list[Object]:
    """KServe's own list; an empty one leaves Kubernetes' default of 80 % cpu."""
    own = ((part.get("autoScaling") or {}).get("metrics")) or ()
    found = [copied(entry) for entry in own if entry.get("type") == "Resource"]
    if found:
        return found
    metric, target = part.get("scaleMetric"), part.get("scaleTarget")
    if metric in (None, "cpu"):
        return [_utilization("cpu", target or DEFAULT_CPU_PERCENT)]
    if metric == "memory" and target is not None:
        return [_utilization("memory", target)]
    return []


def _utilization(name: str, percent: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": name, "target": target}}
