"""The HPA class: the HorizontalPodAutoscaler that stands for a revision, decided by Kubernetes from then on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from conformance.model import keys
from conformance.model.config import AutoscalerConfig
from conformance.model.resolve import resolve_bounds, resolve_metric

_UNLIMITED: Final = (1 << 31) - 1
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = ("", "k", "M", "G", "T", "P", "E")


def hpa_spec(
    annotations: Mapping[str, str], config: AutoscalerConfig, reachability: str = keys.UNSPECIFIED
) -> dict[str, Any]:
    """The `spec` (autoscaling/v2) without `scaleTargetRef`; it has metrics only if the target annotation parses."""
    least, most = resolve_bounds(config, annotations, reachability)
    spec: dict[str, Any] = {"maxReplicas": most or _UNLIMITED}
    if least > 0:
        spec["minReplicas"] = least
    target = keys.TARGET.read_float(annotations)
    if target is not None:
        spec["metrics"] = [_metric(resolve_metric({keys.CLASS.name: keys.HPA_CLASS, **annotations}), target)]
    window = keys.WINDOW.read_seconds(annotations)
    if window is not None:
        rules = {"stabilizationWindowSeconds": int(window)}
        spec["behavior"] = {"scaleUp": dict(rules), "scaleDown": dict(rules)}
    return spec


def _metric(name: str, target: float) -> dict[str, Any]:
    """CPU by utilization in percent, memory by mean mebibytes per pod, any other by mean value per pod."""
    if name == keys.CPU:
        utilization = {"type": "Utilization", "averageUtilization": math.ceil(target)}
        return {"type": "Resource", "resource": {"name": name, "target": utilization}}
    if name == keys.MEMORY:
        value = {"type": "AverageValue", "averageValue": _quantity(int(target) * 1024 * 1024, 1024, _BINARY)}
        return {"type": "Resource", "resource": {"name": name, "target": value}}
    value = {"type": "AverageValue", "averageValue": _quantity(int(target), 1000, _DECIMAL)}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": value}}


def _quantity(value: int, step: int, suffixes: tuple[str, ...]) -> str:
    """A Kubernetes quantity with the largest suffix that leaves a whole number."""
    for suffix in suffixes[:-1]:
        if value == 0 or value % step:
            return f"{value}{suffix}"
        value //= step
    return f"{value}{suffixes[-1]}"
