"""Checks of Standard mode: the HorizontalPodAutoscaler that is made of the scale fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from conformance.catalogue.check_parameters import CheckParameters
from conformance.catalogue.entries import OneOf
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History
from conformance.judge.pod_timeline import total
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact
from conformance.recording.service_bodies import AutoscalerResourceBody
from conformance.recording.shape import Json


def autoscaler(history: History) -> Fact[AutoscalerResourceBody]:
    """The HorizontalPodAutoscaler as last seen. Raises NotShownError outside Standard mode."""
    if history.scenario.mode != "Standard":
        raise NotShownError("not in Standard mode")
    found = [fact for fact in history.of(AutoscalerResourceBody) if fact.body.change is not ChangeType.DELETED]
    if not found:
        raise NotShownError("no HorizontalPodAutoscaler was seen")
    return found[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class HpaBoundsParameters(CheckParameters):
    """Parameters of `hpa-bounds`."""

    min_replicas: int
    """minReplicas of the autoscaler."""
    max_replicas: int
    """maxReplicas of the autoscaler."""


@check("hpa-bounds", HpaBoundsParameters, "observer", specific=True)
def bounds(history: History, parameters: HpaBoundsParameters) -> Finding:
    """minReplicas and maxReplicas of the autoscaler are the component's, a minimum of zero becomes one."""
    fact = autoscaler(history)
    low, high = parameters.min_replicas, parameters.max_replicas
    seen = (fact.body.min, fact.body.max)
    ok = seen == (low, high)
    return exact(
        ok, f"minReplicas {low}, maxReplicas {high}", 0.0 if ok else 1.0, "bounds wrong", high=0.0, samples=1,
        facts=() if ok else (f"t={fact.t:.1f} s: {fact.body.name} has {seen[0]} to {seen[1]}",),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HpaMetricParameters(CheckParameters):
    """Parameters of `hpa-metric`."""

    metric: Annotated[str, OneOf(("cpu", "memory"))]
    """The one resource that it scales by."""
    target_percent: int
    """Its average utilization."""


@check("hpa-metric", HpaMetricParameters, "observer", specific=True)
def metric(history: History, parameters: HpaMetricParameters) -> Finding:
    """The autoscaler has exactly one metric, the component's, with its target as average utilization."""
    fact = autoscaler(history)
    name, target = parameters.metric, parameters.target_percent
    paths = (("resource", "name"), ("resource", "target", "averageUtilization"))
    found = [tuple(_inside(entry, *path) for path in paths) for entry in fact.body.metrics]
    ok = found == [(name, target)]
    return exact(
        ok, f"one metric: {name} at an average utilization of {target} %", len(found), "metrics", low=1.0, high=1.0,
        samples=1, facts=() if ok else (f"t={fact.t:.1f} s: {found or 'none'}",),
    )  # fmt: skip


def _inside(value: Json, *path: str) -> Json:
    """What lies at a path of nested objects; None where it does not go that far."""
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardReplicasParameters(CheckParameters):
    """Parameters of `standard-replicas`."""

    min_pods: int
    """Pods at the least."""
    max_pods: int
    """Pods at the most."""


@check("standard-replicas", StandardReplicasParameters, "observer", "capacity", specific=True)
def replicas(history: History, parameters: StandardReplicasParameters) -> Finding:
    """In Standard mode the pods are at least the minimum, one where that is zero."""
    if history.scenario.mode != "Standard":
        raise NotShownError("not in Standard mode")
    low, high = float(parameters.min_pods), float(parameters.max_pods)
    pods = total(list(history.pods.values())).value(history.end)
    return exact(low <= pods <= high, f"{low:g} to {high:g} pods", pods, "pods", low=low, high=high, samples=1)
