"""KServe's validating webhook: the first thing wrong, in the order KServe looks.

Messages carry the words that KServe's carry (pkg/apis/serving/v1beta1/inference_service_validation.go, component.go):
people search for them.
"""

from __future__ import annotations

import re
from typing import Final

from clusters.embedded.kserve.kserve_names import (
    AUTOSCALER_CLASS,
    CLASS_ANNOTATION,
    COMPONENTS,
    DEPLOYMENT_MODE,
    FRAMEWORKS,
    HPA_CLASS,
    KNATIVE,
    OLD_MODES,
    PREDICTOR,
    STANDARD,
)
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.objects.metadata import Object, annotations_of

NAME: Final = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
CLASSES: Final = ("hpa", "external", "keda", "none")
HPA_METRICS: Final = ("cpu", "memory")
KPA_METRICS: Final = ("concurrency", "rps")


def validate(service: Object, old: Object | None, settings: KserveSettings) -> str | None:
    """Why an InferenceService is refused; None when it is not."""
    spec = service.get("spec") or {}
    mode = deployment_mode(service, settings)
    checks = (
        _name(service),
        _autoscaler_class(service),
        _mode(service, old),
        _implementation(spec.get(PREDICTOR)),
        *(_component(service, spec[name], mode) for name in COMPONENTS if isinstance(spec.get(name), dict)),
    )
    return next((text for text in checks if text), None)


def deployment_mode(service: Object, settings: KserveSettings) -> str:
    """Which mode it runs in: what was recorded, else the annotation, else the cluster's default."""
    recorded = (service.get("status") or {}).get("deploymentMode")
    mode = recorded or annotations_of(service).get(DEPLOYMENT_MODE) or settings.default_mode
    return OLD_MODES.get(mode, mode)


def _name(service: Object) -> str | None:
    name = service["metadata"].get("name", "")
    if NAME.match(name):
        return None
    return (
        f'the InferenceService "{name}" is invalid: a InferenceService name must consist of lower case alphanumeric'
        f" characters or '-', start with a letter and end with an alphanumeric character (regex {NAME.pattern})"
    )


def _autoscaler_class(service: Object) -> str | None:
    name = annotations_of(service).get(AUTOSCALER_CLASS)
    if name is None or name in CLASSES:
        return None
    return f"[{name}] is not a supported autoscaler class type"


def _mode(service: Object, old: Object | None) -> str | None:
    recorded = ((old or {}).get("status") or {}).get("deploymentMode")
    asked = annotations_of(service).get(DEPLOYMENT_MODE)
    if not recorded or not asked:
        return None
    asked = OLD_MODES.get(asked, asked)
    if asked == recorded:
        return None
    return f"update rejected: deploymentMode cannot be changed from '{recorded}' to '{asked}'"


def _implementation(predictor: Object | None) -> str | None:
    present = [key for key in (*FRAMEWORKS, "model") if (predictor or {}).get(key) is not None]
    custom = bool((predictor or {}).get("containers"))
    if len(present) + (1 if custom and not present else 0) == 1:
        if present == ["model"] and (predictor or {})["model"].get("name"):
            return "the 'name' field is not allowed in standard predictor"
        return None
    names = ", ".join((*FRAMEWORKS, "model", "custom"))
    return f"exactly one of [{names}] must be specified in PredictorSpec"


def _component(service: Object, part: Object, mode: str) -> str | None:
    return _replicas(part) or _concurrency(part) or _strategy(part, mode) or _metric(service, part, mode)


def _replicas(part: Object) -> str | None:
    least, most = part.get("minReplicas"), part.get("maxReplicas") or 0
    if least is not None and least < 0:
        return "'MinReplicas' cannot be less than 0"
    if most < 0:
        return "'MaxReplicas' cannot be less than 0"
    if least is not None and most and least > most:
        return "'MinReplicas' cannot be greater than MaxReplicas"
    return None


def _concurrency(part: Object) -> str | None:
    limit = part.get("containerConcurrency")
    return "parallelism cannot be less than 0" if limit is not None and limit < 0 else None


def _strategy(part: Object, mode: str) -> str | None:
    if part.get("deploymentStrategy") is None or mode != KNATIVE:
        return None
    return "customizing deploymentStrategy is only supported for raw deployment mode"


def _metric(service: Object, part: Object, mode: str) -> str | None:
    """Standard mode without an explicit class is not looked at, as in KServe."""
    metric, target = part.get("scaleMetric"), part.get("scaleTarget")
    explicit = annotations_of(service).get(AUTOSCALER_CLASS)
    if mode == STANDARD:
        if explicit == "hpa":
            return _hpa(metric, target)
        if explicit == "keda" and metric is not None:
            return "ScaleMetric is not supported for KEDA"
        return None
    if annotations_of(service).get(CLASS_ANNOTATION) == HPA_CLASS:
        return _hpa(metric, target)
    if metric is not None and metric not in KPA_METRICS:
        return f"[{metric}] is not a supported metric"
    if metric == "rps" and target is not None and target < 1:
        return "the target for rps should be greater than 1"
    return None


def _hpa(metric: str | None, target: int | None) -> str | None:
    if metric is not None and metric not in HPA_METRICS:
        return f"[{metric}] is not a supported metric"
    if target is None:
        return None
    # KServe's condition binds so that the upper bound holds for any metric, the lower one for cpu alone.
    if ((metric is None or metric == "cpu") and target < 1) or target > 100:
        return "the target utilization percentage should be a [1-100] integer"
    if metric == "memory" and target < 1:
        return "the target memory should be greater than 1 MiB"
    return None
