"""What a HorizontalPodAutoscaler decides, in the cases that the documentation tells of."""

from __future__ import annotations

import pytest

from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalSpec, Workload
from conformance.model.replica_calculation import PodState, PodUsage, ResourceTarget
from conformance.model.scaling_rules import ScalingBehavior

CPU_70 = ResourceTarget("cpu", utilization=70)


def workload(*millicores: int | None, replicas: int | None = None) -> Workload:
    """Old, ready pods that request 1000 millicores each; None is a pod without figures."""
    pods = tuple(PodState(f"pod-{n}", requests={"model": {"cpu": 1000}}) for n in range(len(millicores)))
    usages = {
        f"pod-{n}": PodUsage(1e6, 15, {"model": {"cpu": used}}) for n, used in enumerate(millicores) if used is not None
    }
    return Workload(len(pods) if replicas is None else replicas, pods, usages)


def wanted(seen: Workload, target: ResourceTarget = CPU_70, most: int = 10) -> int | None:
    return HorizontalAutoscaler(HorizontalSpec(1, most, (target,))).decide(1e6, seen).recommended


@pytest.mark.parametrize(("used", "pods"), [(770, 2), (780, 3), (630, 2), (620, 2), (340, 1)])
def test_within_a_tenth_of_the_target_nothing_changes(used: int, pods: int) -> None:
    assert wanted(workload(used, used)) == pods


def test_pods_without_figures_count_against_the_change() -> None:
    assert wanted(workload(1400, 1400, None)) == 4
    assert wanted(workload(350, 350, None)) == 3


def test_a_metric_that_says_nothing_stops_scaling_down_but_not_up() -> None:
    silent = ResourceTarget("memory", utilization=50)
    autoscaler = HorizontalAutoscaler(HorizontalSpec(1, 10, (CPU_70, silent)))
    assert autoscaler.decide(0, workload(1400, 1400)).replicas == 4
    decision = autoscaler.decide(400, workload(100, 100))
    assert (decision.replicas, decision.conditions["ScalingActive"]) == (2, (False, "FailedGetResourceMetric"))


@pytest.mark.parametrize("behavior", [None, ScalingBehavior()])
def test_pods_go_when_no_recommendation_of_five_minutes_was_higher(behavior: ScalingBehavior | None) -> None:
    autoscaler = HorizontalAutoscaler(HorizontalSpec(1, 10, (CPU_70,), behavior))
    autoscaler.decide(0, workload(1400, 1400))
    replicas = [autoscaler.decide(t, workload(100, 100, 100, 100)).replicas for t in range(15, 345, 15)]
    assert replicas.index(1) in (19, 20)


def test_pods_at_most_double_within_a_period() -> None:
    autoscaler = HorizontalAutoscaler(HorizontalSpec(1, 100, (CPU_70,), ScalingBehavior()))
    decision = autoscaler.decide(0, workload(*[7000] * 5))
    assert (decision.recommended, decision.replicas) == (50, 10)
    assert decision.conditions["ScalingLimited"] == (True, "ScaleUpLimit")
