"""What a HorizontalPodAutoscaler says of its last decision (Kubernetes pkg/controller/podautoscaler/horizontal.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from conformance.model.horizontal_autoscaler import ABLE, ACTIVE, LIMITED, HorizontalDecision
from conformance.model.replica_calculation import MEMORY, ReplicaProposal, ResourceTarget

Object = dict[str, Any]

KIBIBYTE: Final = 2**10
_TEXTS: Final[Mapping[str, str]] = {
    "SucceededGetScale": "the HPA controller was able to get the target's current scale",
    "ReadyForNewScale": "recommended size matches current size",
    "SucceededRescale": "the HPA controller was able to update the target scale to {wanted}",
    "ScaleUpStabilized": (
        "recent recommendations were lower than current one, applying the lowest recent recommendation"
    ),
    "ScaleDownStabilized": (
        "recent recommendations were higher than current one, applying the highest recent recommendation"
    ),
    "ScalingDisabled": "scaling is disabled since the replica count of the target is zero",
    "ValidMetricFound": "the HPA was able to successfully calculate a replica count from {metric}",
    "FailedGetResourceMetric": "the HPA was unable to compute the replica count: {trouble}",
    "FailedGetContainerResourceMetric": "the HPA was unable to compute the replica count: {trouble}",
    "DesiredWithinRange": "the desired count is within the acceptable range",
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
}


def conditions(decision: HorizontalDecision, targets: Sequence[ResourceTarget]) -> list[tuple[str, str, str, str]]:
    """(type, status, reason, message) of each."""
    metric = "" if decision.decisive is None else metric_name(targets[decision.decisive])
    words = {"wanted": decision.replicas, "metric": metric, "trouble": decision.trouble}
    return [
        (kind, str(decision.conditions[kind][0]), reason, _TEXTS[reason].format(**words))
        for kind in (ABLE, ACTIVE, LIMITED)
        if kind in decision.conditions
        for reason in (decision.conditions[kind][1],)
    ]


def metric_name(target: ResourceTarget) -> str:
    """A resource metric as its controller calls it."""
    if target.average is not None:
        return f"{target.resource} resource"
    of = "container resource" if target.container else "resource"
    return f"{target.resource} {of} utilization (percentage of request)"


def reason(decision: HorizontalDecision, replicas: int, targets: Sequence[ResourceTarget]) -> str:
    """Why the size changes from `replicas`."""
    if decision.recommended is None:
        word = "above Spec.MaxReplicas" if decision.replicas < replicas else "below Spec.MinReplicas"
        return f"Current number of replicas {word}"
    if decision.recommended > replicas and decision.decisive is not None:
        return f"{metric_name(targets[decision.decisive])} above target"
    return "All metrics below target"


def current(target: ResourceTarget, proposal: ReplicaProposal | None) -> Object:
    """An entry of `currentMetrics`; empty for a metric that says nothing."""
    if proposal is None:
        return {"type": ""}
    found: Object = {"averageValue": _quantity(target.resource, proposal.average)}
    if proposal.utilization is not None:
        found["averageUtilization"] = proposal.utilization
    described: Object = {"name": target.resource, "current": found}
    if target.container:
        return {"type": "ContainerResource", "containerResource": {**described, "container": target.container}}
    return {"type": "Resource", "resource": described}


def _quantity(resource: str, thousandths: int) -> str:
    """As Kubernetes writes it: millicores, bytes in the largest binary unit that is whole."""
    if resource != MEMORY or thousandths % 1000:
        return f"{thousandths}m"
    value, unit = thousandths // 1000, 0
    while value and value % KIBIBYTE == 0 and unit < 4:
        value, unit = value // KIBIBYTE, unit + 1
    return f"{value}{('', 'Ki', 'Mi', 'Gi', 'Ti')[unit]}"
