"""What a Knative Revision's Deployment and PodAutoscaler look like (pkg/reconciler/revision/resources)."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.dataplane.revision import USER_PORT, RevisionKey, RevisionSpec
from clusters.embedded.knative.knative_names import (
    APP,
    AUTOSCALING_PREFIX,
    CONFIGURATION,
    REVISION,
    REVISION_UID,
    ROUTING_STATE,
    SERVICE,
)
from clusters.embedded.objects.metadata import Object, annotations_of, labels

QUEUE_PROXY: Final = "queue-proxy"
NOT_ON_DEPLOYMENTS: Final = ("serving.knative.dev/lastPinned", "serving.knative.dev/routingStateModified")


def deployment_name(revision: str) -> str:
    """Name of a revision's Deployment."""
    return f"{revision}-deployment"


def traffic_spec(revision: Object) -> RevisionSpec:
    """What the data plane needs to know."""
    spec, metadata = revision["spec"], revision["metadata"]
    return RevisionSpec(
        RevisionKey(metadata["namespace"], metadata["name"]),
        container_concurrency=int(spec.get("containerConcurrency") or 0),
        timeout_seconds=float(spec.get("timeoutSeconds") or 300),
        response_start_timeout_seconds=float(spec.get("responseStartTimeoutSeconds") or 0),
        idle_timeout_seconds=float(spec.get("idleTimeoutSeconds") or 0),
    )


def _labels(revision: Object) -> dict[str, str]:
    metadata = revision["metadata"]
    found = {name: text for name, text in labels(revision).items() if name != ROUTING_STATE}
    return {**found, REVISION: metadata["name"], REVISION_UID: metadata["uid"], APP: metadata["name"]}


def _plain_annotations(revision: Object) -> dict[str, str]:
    """Since Knative 1.21 no autoscaling annotation reaches Deployments and pods."""
    return {
        name: text
        for name, text in annotations_of(revision).items()
        if not name.startswith(AUTOSCALING_PREFIX) and name not in NOT_ON_DEPLOYMENTS
    }


def deployment(revision: Object, replicas: int, queue_image: str, deadline_seconds: int) -> Object:
    """The Deployment of a revision, without its owner."""
    metadata, spec = revision["metadata"], revision["spec"]
    pod = copied({k: v for k, v in spec.items() if k not in _NOT_OF_THE_POD})
    for container in pod["containers"]:
        _fit_container(container, revision)
    pod["containers"].append(_queue_proxy(revision, queue_image))
    pod["terminationGracePeriodSeconds"] = int(spec.get("timeoutSeconds") or 300)
    pod.setdefault("serviceAccountName", "default")
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": deployment_name(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": _labels(revision),
            "annotations": _plain_annotations(revision),
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {REVISION_UID: metadata["uid"]}},
            "progressDeadlineSeconds": deadline_seconds,
            "revisionHistoryLimit": 10,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": _labels(revision), "annotations": _plain_annotations(revision)},
                "spec": pod,
            },
        },
    }


_NOT_OF_THE_POD: Final = ("containerConcurrency", "timeoutSeconds", "responseStartTimeoutSeconds", "idleTimeoutSeconds")


def _fit_container(container: Object, revision: Object) -> None:
    """What Knative's runtime contract adds to the user's container; its readiness is queue-proxy's to check."""
    container.pop("readinessProbe", None)
    port = next(iter(container.get("ports") or ()), None)
    number = (port or {}).get("containerPort") or USER_PORT
    container["ports"] = [{"name": "user-port", "containerPort": number, "protocol": "TCP"}]
    container["env"] = [
        *(container.get("env") or ()),
        {"name": "PORT", "value": str(number)},
        {"name": "K_REVISION", "value": revision["metadata"]["name"]},
        {"name": "K_CONFIGURATION", "value": labels(revision).get(CONFIGURATION, "")},
        {"name": "K_SERVICE", "value": labels(revision).get(SERVICE, "")},
    ]
    container.setdefault("terminationMessagePolicy", "FallbackToLogsOnError")


def _queue_proxy(revision: Object, image: str) -> Object:
    spec = revision["spec"]
    return {
        "name": QUEUE_PROXY,
        "image": image,
        "ports": [
            {"name": "http-queueadm", "containerPort": 8022, "protocol": "TCP"},
            {"name": "http-autometric", "containerPort": 9090, "protocol": "TCP"},
            {"name": "http-usermetric", "containerPort": 9091, "protocol": "TCP"},
            {"name": "queue-port", "containerPort": 8012, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8012, "scheme": "HTTP"}, "periodSeconds": 10},
        "resources": {"requests": {"cpu": "25m"}},
        "env": [
            {"name": "SERVING_REVISION", "value": revision["metadata"]["name"]},
            {"name": "CONTAINER_CONCURRENCY", "value": str(spec.get("containerConcurrency") or 0)},
            {"name": "REVISION_TIMEOUT_SECONDS", "value": str(spec.get("timeoutSeconds") or 300)},
        ],
    }


def pod_autoscaler(revision: Object, reachability: str) -> Object:
    """The PodAutoscaler of a revision, without its owner."""
    metadata = revision["metadata"]
    return {
        "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
        "kind": "PodAutoscaler",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": _labels(revision),
            "annotations": annotations_of(revision),
        },
        "spec": {
            "containerConcurrency": int(revision["spec"].get("containerConcurrency") or 0),
            "protocolType": "http1",
            "reachability": reachability,
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": deployment_name(metadata["name"]),
            },
        },
    }
