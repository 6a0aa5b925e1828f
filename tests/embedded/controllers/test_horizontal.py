"""The decision of a HorizontalPodAutoscaler."""

from __future__ import annotations

import pytest

from clusters.embedded.autoscaler.horizontal import History, Usage, bound, recommend

SPEC = {"minReplicas": 1, "maxReplicas": 10}


@pytest.mark.parametrize(
    ("current", "wanted"), [(80.0, 4), (86.0, 4), (74.0, 4), (100.0, 5), (160.0, 8), (40.0, 2), (81.0, 4)]
)
def test_pods_follow_the_ratio_outside_the_tolerance(current: float, wanted: int) -> None:
    assert recommend(4, 4, [Usage("cpu", current, 80.0)]) == wanted


def test_the_neediest_metric_decides() -> None:
    assert recommend(2, 2, [Usage("cpu", 80.0, 80.0), Usage("memory", 240.0, 80.0)]) == 6


def test_growth_is_at_most_four_pods_or_as_many_again() -> None:
    assert bound(SPEC, 1, 10, History(), 0.0) == 5
    assert bound({**SPEC, "maxReplicas": 30}, 8, 30, History(), 0.0) == 16


def test_shrinking_waits_for_the_stabilisation_window() -> None:
    history = History()
    assert bound(SPEC, 8, 8, history, 0.0) == 8
    assert bound(SPEC, 8, 2, history, 299.0) == 8
    assert bound(SPEC, 8, 2, history, 301.0) == 2


def test_the_bounds_hold() -> None:
    assert bound(SPEC, 9, 99, History(), 0.0) == 10
    assert bound({"minReplicas": 3, "maxReplicas": 5}, 3, 1, History(), 0.0) == 3
