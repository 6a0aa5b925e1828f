"""What a HorizontalPodAutoscaler says of its last decision (Kubernetes pkg/controller/podautoscaler/horizontal.go)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from clusters.embedded.controllers.horizontal_decision import TOLERANCE, MetricUsage

Object = dict[str, Any]

MEBIBYTE: Final = 2.0**20


@dataclass(frozen=True, slots=True)
class HorizontalDecision:
    """From what to what, and on which measurements."""

    replicas: int
    recommended: int
    """By the measurements alone."""
    wanted: int
    """After stabilisation, rates and bounds."""
    usages: tuple[MetricUsage, ...]


def conditions(decision: HorizontalDecision, spec: Object) -> list[tuple[str, str, str, str]]:
    """(type, status, reason, message) of each."""
    return [_able(decision), _active(decision), _limited(decision, spec)]


def _able(decision: HorizontalDecision) -> tuple[str, str, str, str]:
    if decision.wanted != decision.replicas:
        text = f"the HPA controller was able to update the target scale to {decision.wanted}"
        return "AbleToScale", "True", "SucceededRescale", text
    if decision.recommended < decision.replicas:
        text = "recent recommendations were higher than current one, applying the highest recent recommendation"
        return "AbleToScale", "True", "ScaleDownStabilized", text
    return "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"


def _active(decision: HorizontalDecision) -> tuple[str, str, str, str]:
    if decision.replicas == 0:
        text = "scaling is disabled since the replica count of the target is zero"
        return "ScalingActive", "False", "ScalingDisabled", text
    if not decision.usages:
        text = "the HPA was unable to compute the replica count: no metric could be read from a ready pod"
        return "ScalingActive", "False", "FailedGetResourceMetric", text
    text = f"the HPA was able to successfully calculate a replica count from {metric_name(decision.usages[0])}"
    return "ScalingActive", "True", "ValidMetricFound", text


def _limited(decision: HorizontalDecision, spec: Object) -> tuple[str, str, str, str]:
    lowest, highest = int(spec.get("minReplicas") or 1), int(spec["maxReplicas"])
    if decision.recommended > highest:
        text = "the desired replica count is more than the maximum replica count"
        return "ScalingLimited", "True", "TooManyReplicas", text
    if decision.recommended < lowest:
        text = "the desired replica count is less than the minimum replica count"
        return "ScalingLimited", "True", "TooFewReplicas", text
    if decision.wanted < decision.recommended:
        text = "the desired replica count is increasing faster than the maximum scale rate"
        return "ScalingLimited", "True", "ScaleUpLimit", text
    return "ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range"


def metric_name(usage: MetricUsage) -> str:
    """A resource metric as its controller calls it."""
    return f"{usage.name} resource utilization (percentage of request)" if usage.percent else f"{usage.name} resource"


def reason(usages: Sequence[MetricUsage]) -> str:
    """Why the size changes."""
    above = next((usage for usage in usages if usage.ratio > 1 + TOLERANCE), None)
    return f"{metric_name(above)} above target" if above else "All metrics below target"


def current(usage: MetricUsage) -> Object:
    """An entry of `currentMetrics`."""
    amount = usage.average
    text = f"{amount * 1000:.0f}m" if usage.name == "cpu" else f"{amount / MEBIBYTE:.0f}Mi"
    found: Object = {"averageValue": text}
    if usage.percent:
        found["averageUtilization"] = round(usage.current)
    return {"type": "Resource", "resource": {"name": usage.name, "current": found}}
