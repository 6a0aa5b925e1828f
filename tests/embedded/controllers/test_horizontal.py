"""The decision of a HorizontalPodAutoscaler."""

from __future__ import annotations

import pytest

from clusters.embedded.controllers.horizontal_decision import MetricUsage, RecommendationHistory, bound, recommend
from clusters.embedded.controllers.horizontal_status import HorizontalDecision, conditions, current, reason

SPEC = {"minReplicas": 1, "maxReplicas": 10}


@pytest.mark.parametrize(
    ("current", "wanted"), [(80.0, 4), (86.0, 4), (74.0, 4), (100.0, 5), (160.0, 8), (40.0, 2), (81.0, 4)]
)
def test_pods_follow_the_ratio_outside_the_tolerance(current: float, wanted: int) -> None:
    assert recommend(4, 4, [MetricUsage("cpu", current, 80.0)]) == wanted


def test_the_neediest_metric_decides() -> None:
    assert recommend(2, 2, [MetricUsage("cpu", 80.0, 80.0), MetricUsage("memory", 240.0, 80.0)]) == 6


def test_growth_is_at_most_four_pods_or_as_many_again() -> None:
    assert bound(SPEC, 1, 10, RecommendationHistory(), 0.0) == 5
    assert bound({**SPEC, "maxReplicas": 30}, 8, 30, RecommendationHistory(), 0.0) == 16


def test_shrinking_waits_for_the_stabilisation_window() -> None:
    history = RecommendationHistory()
    assert bound(SPEC, 8, 8, history, 0.0) == 8
    assert bound(SPEC, 8, 2, history, 299.0) == 8
    assert bound(SPEC, 8, 2, history, 301.0) == 2


def test_the_bounds_hold() -> None:
    assert bound(SPEC, 9, 99, RecommendationHistory(), 0.0) == 10
    assert bound({"minReplicas": 3, "maxReplicas": 5}, 3, 1, RecommendationHistory(), 0.0) == 3


@pytest.mark.parametrize(
    ("decision", "able", "active", "limited"),
    [
        (
            HorizontalDecision(2, 2, 2, (MetricUsage("cpu", 80.0, 80.0),)),
            "ReadyForNewScale",
            "ValidMetricFound",
            "DesiredWithinRange",
        ),
        (
            HorizontalDecision(2, 4, 4, (MetricUsage("cpu", 160.0, 80.0),)),
            "SucceededRescale",
            "ValidMetricFound",
            "DesiredWithinRange",
        ),
        (
            HorizontalDecision(10, 30, 10, (MetricUsage("cpu", 240.0, 80.0),)),
            "ReadyForNewScale",
            "ValidMetricFound",
            "TooManyReplicas",
        ),
        (
            HorizontalDecision(8, 2, 8, (MetricUsage("cpu", 20.0, 80.0),)),
            "ScaleDownStabilized",
            "ValidMetricFound",
            "DesiredWithinRange",
        ),
        (
            HorizontalDecision(1, 10, 5, (MetricUsage("cpu", 800.0, 80.0),)),
            "SucceededRescale",
            "ValidMetricFound",
            "ScaleUpLimit",
        ),
        (HorizontalDecision(1, 1, 1, ()), "ReadyForNewScale", "FailedGetResourceMetric", "DesiredWithinRange"),
        (HorizontalDecision(0, 0, 0, ()), "ReadyForNewScale", "ScalingDisabled", "TooFewReplicas"),
    ],
)
def test_the_conditions_name_what_held_the_decision(
    decision: HorizontalDecision, able: str, active: str, limited: str
) -> None:
    found = {kind: why for kind, _, why, _ in conditions(decision, SPEC)}
    assert found == {"AbleToScale": able, "ScalingActive": active, "ScalingLimited": limited}


def test_a_measurement_is_shown_as_an_amount_and_as_a_percentage() -> None:
    assert current(MetricUsage("cpu", 55.4, 80.0, 0.554))["resource"]["current"] == {
        "averageValue": "554m",
        "averageUtilization": 55,
    }
    amount = MetricUsage("memory", 3.0 * 2**20, 2.0 * 2**20, 3.0 * 2**20, percent=False)
    assert current(amount)["resource"]["current"] == {"averageValue": "3Mi"}
    assert reason([amount]) == "memory resource above target"
    assert reason([MetricUsage("cpu", 10.0, 80.0)]) == "All metrics below target"
