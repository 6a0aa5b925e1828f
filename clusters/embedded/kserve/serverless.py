"""From a component's pods to its Knative Service (reconcilers/knative/ksvc_reconciler.go,
pkg/controller/v1alpha1/utils/utils.go SetAutoScalingAnnotations)."""

from __future__ import annotations

from clusters.embedded.kserve.component_objects import PodTemplate
from clusters.embedded.kserve.kserve_names import (
    CLASS_ANNOTATION,
    COMPONENT,
    INFERENCE_SERVICE,
    INITIAL_SCALE_ANNOTATION,
    KPA_CLASS,
    MAX_SCALE_ANNOTATION,
    METRIC_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    TARGET_ANNOTATION,
    VISIBILITY,
)
from clusters.embedded.objects.metadata import Object

DEFAULT_MIN_REPLICAS = 1
"""KServe never scales to zero unless asked (pkg/constants/constants.go)."""


def autoscaling_annotations(
    part: Object, annotations: dict[str, str], allow_zero_initial_scale: bool
) -> dict[str, str]:
    """A template's annotations with the component's typed scaling fields over them."""
    result = dict(annotations)
    result.setdefault(CLASS_ANNOTATION, KPA_CLASS)
    if part.get("scaleTarget") is not None:
        result[TARGET_ANNOTATION] = str(part["scaleTarget"])
    if part.get("scaleMetric") is not None:
        result[METRIC_ANNOTATION] = part["scaleMetric"]
    least = part.get("minReplicas")
    result[MIN_SCALE_ANNOTATION] = str(DEFAULT_MIN_REPLICAS if least is None else least)
    if part.get("maxReplicas"):
        result[MAX_SCALE_ANNOTATION] = str(part["maxReplicas"])
    initial = result.get(INITIAL_SCALE_ANNOTATION)
    if initial is not None and not (initial.isdigit() and (int(initial) > 0 or allow_zero_initial_scale)):
        del result[INITIAL_SCALE_ANNOTATION]
    return result


def knative_service(
    service: Object,
    part: Object,
    name: str,
    template: PodTemplate,
    annotations: dict[str, str],
    traffic: list[Object],
) -> Object:
    """The Knative Service of a component, without its owner."""
    spec = dict(template.spec)
    if part.get("containerConcurrency") is not None:
        spec["containerConcurrency"] = part["containerConcurrency"]
    if part.get("timeout") is not None:
        spec["timeoutSeconds"] = part["timeout"]
        spec["responseStartTimeoutSeconds"] = part["timeout"]
    labels = {key: template.labels[key] for key in (INFERENCE_SERVICE, COMPONENT)}
    own = service["metadata"].get("labels") or {}
    visibility = template.labels.get(VISIBILITY) or own.get(VISIBILITY)
    if visibility:
        labels[VISIBILITY] = visibility
    template_labels = {key: text for key, text in template.labels.items() if key != VISIBILITY}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": service["metadata"]["namespace"], "labels": labels},
        "spec": {
            "template": {"metadata": {"labels": template_labels, "annotations": annotations}, "spec": spec},
            "traffic": traffic,
        },
    }


def traffic(part: Object, rolled_out: str | None, previous: str | None) -> list[Object]:
    """All to the latest revision, or a canary's share with the rest on the revision rolled out before."""
    percent = part.get("canaryTrafficPercent")
    old = rolled_out or previous
    if percent is None or percent >= 100 or not old:
        return [{"latestRevision": True, "percent": 100}]
    return [
        {"latestRevision": True, "percent": percent},
        {"latestRevision": False, "percent": 100 - percent, "revisionName": old, "tag": "prev"},
    ]
