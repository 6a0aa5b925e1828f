"""What a HorizontalPodAutoscaler says of its decision."""

from __future__ import annotations

import pytest

from clusters.embedded.controllers.horizontal_status import conditions, current, reason
from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalDecision, HorizontalSpec, Workload
from conformance.model.replica_calculation import PodState, PodUsage, ReplicaProposal, ResourceTarget

CPU = ResourceTarget("cpu", utilization=80)
MEBIBYTE_THOUSANDTHS = 2**20 * 1000


def decided(replicas: int, used: int | None, most: int = 10) -> HorizontalDecision:
    pods = tuple(PodState(f"pod-{n}", requests={"model": {"cpu": 1000}}) for n in range(replicas))
    usage = {} if used is None else {"model": {"cpu": used}}
    usages = {pod.name: PodUsage(1e6, 15, usage) for pod in pods}
    return HorizontalAutoscaler(HorizontalSpec(1, most, (CPU,))).decide(1e6, Workload(replicas, pods, usages))


@pytest.mark.parametrize(
    ("replicas", "used", "able", "active", "limited"),
    [
        (2, 800, "ReadyForNewScale", "ValidMetricFound", "DesiredWithinRange"),
        (2, 1600, "SucceededRescale", "ValidMetricFound", "DesiredWithinRange"),
        (10, 2400, "ReadyForNewScale", "ValidMetricFound", "TooManyReplicas"),
        (8, 200, "ScaleDownStabilized", "ValidMetricFound", "DesiredWithinRange"),
        (1, 8000, "SucceededRescale", "ValidMetricFound", "ScaleUpLimit"),
        (1, None, "SucceededGetScale", "FailedGetResourceMetric", None),
        (0, 0, "SucceededGetScale", "ScalingDisabled", None),
    ],
)
def test_the_conditions_name_what_held_the_decision(
    replicas: int, used: int | None, able: str, active: str, limited: str | None
) -> None:
    found = {kind: why for kind, _, why, _ in conditions(decided(replicas, used), (CPU,))}
    assert (found["AbleToScale"], found["ScalingActive"], found.get("ScalingLimited")) == (able, active, limited)


def test_a_measurement_is_shown_as_an_amount_and_as_a_percentage() -> None:
    assert current(CPU, ReplicaProposal(2, 554, 55))["resource"]["current"] == {
        "averageValue": "554m",
        "averageUtilization": 55,
    }
    memory = ResourceTarget("memory", average=2 * MEBIBYTE_THOUSANDTHS)
    shown = current(memory, ReplicaProposal(2, 3 * MEBIBYTE_THOUSANDTHS))
    assert shown["resource"]["current"] == {"averageValue": "3Mi"}


def test_the_reason_of_a_change_is_the_metric_above_its_target() -> None:
    assert reason(decided(2, 1600), 2, (CPU,)) == "cpu resource utilization (percentage of request) above target"
    assert reason(decided(12, 800), 12, (CPU,)) == "Current number of replicas above Spec.MaxReplicas"
