"""What may be counted twice or not at all while the activator enters or leaves the path."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest

from conformance.judge import path_changes
from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.demand import Side
from conformance.judge.history import Revision
from conformance.judge.measured_load import JITTER
from conformance.judge.path_changes import PROXY, beyond
from conformance.judge.step_function import StepFunction
from conformance.model.window import Window

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


@dataclass(frozen=True, slots=True)
class Timers:
    """Phases within a second of what an autoscaler of five in flight hears, and when the activator enters or leaves."""

    enters: bool
    at: float
    tick: float
    scrape: float
    pod: float
    activator: float

    @classmethod
    def drawn(cls, rng: random.Random, enters: bool) -> Timers:
        """Any, but for the scrapes: their timer is made with that of the ticks."""
        tick = rng.random()
        return cls(
            enters, 30.0 + rng.random(), tick, (tick + rng.uniform(0.02, 0.25)) % 1.0, rng.random(), rng.random()
        )

    def told(self) -> list[tuple[float, float]]:
        """(time, mean in flight) of all reports: of the pod's last whole second, and of the activator's."""
        found = []
        for second in range(60):
            end = math.floor(second + self.scrape - self.pod) + self.pod
            since, until = (end - 1.0, self.at) if self.enters else (max(end - 1.0, self.at), end)
            found.append((second + self.scrape, 5.0 * max(0.0, min(until, end) - since)))
            report = second + self.activator
            # Its first report is a mean since it saw the first of them, its last one over the whole second.
            share = float(report > self.at) if self.enters else min(1.0, max(0.0, self.at - report + 1.0))
            found.append((report, 5.0 * share))
        return found


def means(told: Iterable[tuple[float, float]], tick: float) -> list[float]:
    """The mean over six seconds at each tick around the change, by ticks each second."""
    panic = Window(6.0)
    found = []
    for at, value in sorted([*told, *((second + tick, math.nan) for second in range(26, 45))]):
        if math.isnan(value):
            found.append(panic.average(at))
        else:
            panic.record(at, value)
    return found


def granted(enters: bool, high: bool) -> float:
    """The greatest or the least mean that the band has for it."""
    modes = [(0.0, SERVE), (30.0, PROXY)] if enters else [(0.0, PROXY), (30.0, SERVE)]
    found = []
    for phase in (0.1, 0.6, 0.9):
        reports = np.arange(phase, 60.0)
        values = np.full(len(reports), 5.0)
        told = values + beyond(revision(*modes), FIVE, reports, values, high)
        found += [mean for tick in (0.0, 0.5) for mean in means(zip(reports, told, strict=True), tick)]
    return max(found) * (1.0 + 1.0 / 5.0 + JITTER) if high else min(found) * (1.0 - JITTER)


def seen(enters: bool) -> list[float]:
    """What autoscalers with any timers make of it."""
    rng = random.Random(7)
    drawn = [Timers.drawn(rng, enters) for _ in range(200)]
    return [mean for timers in drawn for mean in means(timers.told(), timers.tick)]


@pytest.mark.parametrize("enters", [True, False], ids=["enters", "leaves"])
def test_whatever_the_timers_are_no_more_and_no_less_is_seen_than_granted(enters: bool) -> None:
    found = seen(enters)
    assert granted(enters, high=False) <= min(found)
    assert max(found) <= granted(enters, high=True)


def test_not_much_more_is_granted_than_timers_can_make() -> None:
    assert granted(enters=True, high=True) <= 1.2 * max(seen(enters=True))
    assert granted(enters=False, high=False) >= 0.8 * min(seen(enters=False))
