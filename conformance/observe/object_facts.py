"""Parses raw Kubernetes objects, once and here, into the bodies of facts. All raise WrongShapeError, or what reading an
object of no known shape raises."""

from __future__ import annotations

from typing import Final

from conformance.kube.verbs import Object
from conformance.recording.kubernetes_time import unix
from conformance.recording.pod_bodies import EventBody, PodBody
from conformance.recording.service_bodies import (
    AutoscalerResourceBody,
    DeploymentBody,
    InferenceServiceBody,
    PodAutoscalerBody,
    RevisionBody,
    RouteModeBody,
    ServiceBody,
)

AUTOSCALING: Final = "autoscaling.knative.dev/"
_COMPONENT: Final = "component"


def pod(value: Object) -> PodBody:
    """A Pod as a `pod` fact without its change."""
    metadata, spec, status = _parts(value)
    conditions = _conditions(status)
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    scheduled = conditions.get("PodScheduled", ["", "", None])
    unscheduled: Object = next((c for c in status.get("conditions") or () if c.get("type") == "PodScheduled"), {})
    return PodBody.parse(
        {
            "name": metadata.get("name", ""),
            "uid": metadata.get("uid", ""),
            "component": labels.get(_COMPONENT, "predictor"),
            "revision": labels.get("serving.knative.dev/revision", ""),
            "phase": status.get("phase", ""),
            "ready": conditions.get("Ready", [""])[0] == "True",
            "scheduled": scheduled[0] == "True",
            "deleting": "deletionTimestamp" in metadata,
            "node": spec.get("nodeName", ""),
            "reason": scheduled[1] if scheduled[0] == "False" else str(status.get("reason", "")),
            "message": str(unscheduled.get("message", "")) if scheduled[0] == "False" else "",
            "created_wall": unix(metadata.get("creationTimestamp")),
            "deletion_wall": unix(metadata.get("deletionTimestamp")),
            "conditions": conditions,
            "containers": [_container(entry) for entry in status.get("containerStatuses") or ()],
            "init_containers": [_container(entry) for entry in status.get("initContainerStatuses") or ()],
            "resources": _accelerators(spec),
            "accelerated": _accelerated(spec) or None,
            **(_standard(spec, status) if "serving.knative.dev/revision" not in labels else {}),
            "devices": [name for name in (annotations.get("conformance.serving/devices") or "").split(",") if name],
        }
    )


def pod_autoscaler(value: Object) -> PodAutoscalerBody:
    """A Knative PodAutoscaler."""
    metadata, _, status = _parts(value)
    conditions = _conditions(status)
    labels = metadata.get("labels") or {}
    return PodAutoscalerBody.parse(
        {
            "name": metadata.get("name", ""),
            "revision": labels.get("serving.knative.dev/revision", metadata.get("name", "")),
            "component": labels.get(_COMPONENT, "predictor"),
            "desired": status.get("desiredScale"),
            "actual": status.get("actualScale"),
            "active": conditions.get("Active", ["", "", None])[:2],
            "conditions": conditions,
            "annotations": _autoscaling(metadata.get("annotations")),
        }
    )


def deployment(value: Object) -> DeploymentBody:
    """An apps/v1 Deployment."""
    metadata, spec, status = _parts(value)
    labels = metadata.get("labels") or {}
    return DeploymentBody.parse(
        {
            "name": metadata.get("name", ""),
            "revision": labels.get("serving.knative.dev/revision", ""),
            "component": labels.get(_COMPONENT, "predictor"),
            "replicas": spec.get("replicas", 1),
            "ready": status.get("readyReplicas", 0),
        }
    )


def revision(value: Object) -> RevisionBody:
    """A Knative Revision."""
    metadata, spec, status = _parts(value)
    return RevisionBody.parse(
        {
            "name": metadata.get("name", ""),
            "component": (metadata.get("labels") or {}).get(_COMPONENT, "predictor"),
            "ready": _conditions(status).get("Ready", ["", "", None])[:2],
            "container_concurrency": spec.get("containerConcurrency"),
            "timeout_seconds": spec.get("timeoutSeconds"),
            "annotations": _autoscaling(metadata.get("annotations")),
            "containers": [
                {
                    "name": entry.get("name", ""),
                    "image": entry.get("image", ""),
                    "args": list(entry.get("args") or ()),
                    "resources": entry.get("resources") or {},
                }
                for entry in spec.get("containers") or ()
            ],
        }
    )


def service(value: Object) -> ServiceBody:
    """A Knative Service; its autoscaling annotations are those of the revision template."""
    metadata, spec, status = _parts(value)
    template = spec.get("template") or {}
    template_metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), **(template_metadata.get("labels") or {})}
    return ServiceBody.parse(
        {
            "name": metadata.get("name", ""),
            "component": labels.get(_COMPONENT, "predictor"),
            "annotations": dict(template_metadata.get("annotations") or {}),
            "labels": labels,
            "owners": [
                {"kind": owner.get("kind"), "name": owner.get("name"), "controller": owner.get("controller")}
                for owner in metadata.get("ownerReferences") or ()
            ],
            "traffic": list(status.get("traffic") or ()),
            "requested_traffic": list(spec.get("traffic") or ()),
            "latest_created": status.get("latestCreatedRevisionName", ""),
            "latest_ready": status.get("latestReadyRevisionName", ""),
            "ready": _conditions(status).get("Ready", ["", "", None])[:2],
            "url": status.get("url", ""),
            "spec": template.get("spec") or {},
        }
    )


def inference_service(value: Object) -> InferenceServiceBody:
    """A KServe InferenceService."""
    metadata, spec, status = _parts(value)
    return InferenceServiceBody.parse(
        {
            "name": metadata.get("name", ""),
            "generation": metadata.get("generation"),
            "observed": status.get("observedGeneration"),
            "url": status.get("url", ""),
            "address": (status.get("address") or {}).get("url", ""),
            "conditions": _explained(status),
            "components": status.get("components") or {},
            "model_status": status.get("modelStatus") or {},
            "runtime": status.get("servingRuntimeName") or status.get("clusterServingRuntimeName") or "",
            "annotations": dict(metadata.get("annotations") or {}),
            "spec": spec,
        }
    )


def route_mode(value: Object) -> RouteModeBody:
    """A Knative ServerlessService: who stands in the data path."""
    metadata, spec, _ = _parts(value)
    labels = metadata.get("labels") or {}
    return RouteModeBody.parse(
        {
            "name": metadata.get("name", ""),
            "revision": labels.get("serving.knative.dev/revision", metadata.get("name", "")),
            "mode": spec.get("mode", ""),
            "activators": spec.get("numActivators"),
        }
    )


def autoscaler_resource(value: Object) -> AutoscalerResourceBody:
    """A HorizontalPodAutoscaler."""
    metadata, spec, status = _parts(value)
    return AutoscalerResourceBody.parse(
        {
            "name": metadata.get("name", ""),
            "component": (metadata.get("labels") or {}).get(_COMPONENT, "predictor"),
            "min": spec.get("minReplicas"),
            "max": spec.get("maxReplicas"),
            "metrics": list(spec.get("metrics") or ()),
            "target": (spec.get("scaleTargetRef") or {}).get("name", ""),
            "current": status.get("currentReplicas"),
            "desired": status.get("desiredReplicas"),
            "behavior": spec.get("behavior"),
            "current_metrics": status.get("currentMetrics"),
            "conditions": _explained(status) or None,
        }
    )


def event(value: Object) -> EventBody:
    """A core/v1 Event."""
    involved = value.get("involvedObject") or {}
    series = value.get("series") or {}
    return EventBody.parse(
        {
            "kind": involved.get("kind", ""),
            "name": involved.get("name", ""),
            "reason": value.get("reason", ""),
            "message": value.get("message", ""),
            "type": value.get("type", ""),
            "count": value.get("count") or series.get("count") or 1,
            "wall": unix(value.get("lastTimestamp") or value.get("eventTime") or value.get("firstTimestamp")),
        }
    )


def _parts(value: Object) -> tuple[Object, Object, Object]:
    return value.get("metadata") or {}, value.get("spec") or {}, value.get("status") or {}


def _conditions(status: Object) -> Object:
    return {
        entry.get("type", ""): [entry.get("status", ""), entry.get("reason", ""), unix(entry.get("lastTransitionTime"))]
        for entry in status.get("conditions") or ()
    }


def _explained(status: Object) -> Object:
    return {
        entry.get("type", ""): [entry.get("status", ""), entry.get("reason", ""), entry.get("message", "")]
        for entry in status.get("conditions") or ()
    }


def _standard(spec: Object, status: Object) -> Object:
    """What a HorizontalPodAutoscaler goes by."""
    asked = {entry.get("name", ""): entry.get("resources") or {} for entry in spec.get("containers") or ()}
    return {"started_wall": unix(status.get("startTime")), "asked": asked}


def _container(status: Object) -> Object:
    state = status.get("state") or {}
    name = next(iter(state), "")
    detail = state.get(name) or {}
    return {
        "name": status.get("name", ""),
        "ready": bool(status.get("ready")),
        "restarts": status.get("restartCount", 0),
        "state": name,
        "reason": detail.get("reason", ""),
        "started_wall": unix(detail.get("startedAt")),
        "finished_wall": unix(detail.get("finishedAt")),
    }


def _accelerators(spec: Object) -> dict[str, int]:
    found: dict[str, int] = {}
    for container in spec.get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if "/" in name:
                try:
                    found[name] = found.get(name, 0) + int(amount)
                except (TypeError, ValueError):
                    continue
    return found


def _accelerated(spec: Object) -> list[str]:
    """Names of the containers that ask for accelerators."""
    containers = spec.get("containers") or ()
    return [str(entry.get("name", "")) for entry in containers if _accelerators({"containers": [entry]})]


def _autoscaling(annotations: dict[str, str] | None) -> dict[str, str]:
    """Autoscaling annotations without their prefix."""
    return {
        name.removeprefix(AUTOSCALING): text
        for name, text in sorted((annotations or {}).items())
        if name.startswith(AUTOSCALING)
    }
