"""What may be counted twice or not at all while the activator enters or leaves the path."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.judge import path_changes
from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.demand import Side
from conformance.judge.history import Revision
from conformance.judge.path_changes import PROXY, beyond
from conformance.judge.step_function import StepFunction

SERVE = "Serve"
REPORTS = np.arange(0.6, 60.0)
FIVE = Side(Occupancy(np.zeros(5), np.full(5, 60.0)), np.zeros(5))
"""Five in flight."""
ARRIVING = Side(Arrivals(np.arange(0.0, 60.0, 0.2)), np.arange(0.0, 60.0, 0.2))
"""Five a second."""


def revision(*modes: tuple[float, str], ready: float = 0.0) -> Revision:
    """One whose pod is ready from a time on."""
    return Revision("r", "predictor", 0.0, modes=list(modes), ready=StepFunction.of([(ready, 1.0)]))


def reported(subject: Revision, load: Side, high: bool) -> dict[float, float]:
    """By the time of a report what it may tell beyond a load of five, where that is anything."""
    found = beyond(subject, load, REPORTS, np.full(len(REPORTS), 5.0), high)
    return {float(at): round(float(value), 6) for at, value in zip(REPORTS, found, strict=True) if value}


@pytest.mark.parametrize("modes", [[(0.0, PROXY)], [(0.0, SERVE)], [(0.0, PROXY), (30.0, PROXY)], []])
def test_a_path_that_stays_counts_each_request_once(modes: list[tuple[float, str]]) -> None:
    for high in (False, True):
        assert reported(revision(*modes), FIVE, high) == {}


def test_two_seconds_count_twice_when_the_activator_enters() -> None:
    assert reported(revision((0.0, SERVE), (30.0, PROXY)), FIVE, high=True) == {30.6: 5.0, 31.6: 5.0}


def test_its_first_report_makes_no_more_of_arrivals_than_came() -> None:
    assert reported(revision((0.0, SERVE), (30.0, PROXY)), ARRIVING, high=True) == {30.6: 5.0}


def test_a_second_may_be_missing_then_when_pods_are_asked_late() -> None:
    assert reported(revision((0.0, SERVE), (30.0, PROXY)), FIVE, high=False) == {30.6: -5.0}


def test_two_seconds_are_told_late_when_the_activator_leaves() -> None:
    subject = revision((0.0, PROXY), (30.0, SERVE))
    assert reported(subject, FIVE, high=False) == {30.6: -5.0, 31.6: -5.0}
    assert reported(subject, FIVE, high=True) == {}


def test_without_a_pod_requests_come_by_the_activator_whatever_the_mode() -> None:
    assert path_changes.direct(revision((0.0, SERVE), ready=20.0)).changes(-1.0, 60.0) == [(20.0, 0.0, 1.0)]


def test_what_is_counted_twice_is_the_load_of_that_time() -> None:
    begun = Side(Occupancy(np.full(5, 29.5), np.full(5, 60.0)), np.full(5, 29.5))
    assert reported(revision((0.0, SERVE), (30.0, PROXY)), begun, high=True) == {30.6: 2.5, 31.6: 5.0}
