"""How far sampling may have moved a mean."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.judge.arrivals import Occupancy
from conformance.judge.demand import Demand, Side
from conformance.judge.history import Revision
from conformance.judge.path_changes import PROXY
from conformance.judge.sampling_noise import factors
from conformance.judge.step_function import Floats, StepFunction

SERVE = "Serve"
TICKS = np.arange(2.0, 300.0, 2.0)
EIGHT = Side(Occupancy(np.zeros(8), np.full(8, 300.0)), np.zeros(8))
LOAD = Demand(EIGHT, EIGHT, np.zeros(8), 0.0, 300.0)
"""Eight in flight all the time."""


def at(tick: float, modes: list[tuple[float, str]], pods: list[tuple[float, float]], high: bool) -> float:
    """The factor on a mean over a minute at a tick."""
    revision = Revision("r", "predictor", 0.0, modes=modes, ready=StepFunction.of(pods))
    found: Floats = factors(revision, TICKS, LOAD, high, 60.0)
    return float(found[np.searchsorted(TICKS, tick)])


STEADY = 3.0 * 0.26 / np.sqrt(60.0)
"""Three standard deviations of a minute's mean, with one in flight a pod."""


def test_all_of_four_pods_are_asked() -> None:
    assert at(200.0, [(0.0, SERVE)], [(0.0, 4.0)], high=False) == 1.0


def test_what_the_activator_counts_is_not_sampled() -> None:
    assert at(200.0, [(0.0, PROXY)], [(0.0, 8.0)], high=False) == 1.0


def test_a_few_of_eight_pods_are_asked_for_all() -> None:
    assert at(200.0, [(0.0, SERVE)], [(0.0, 8.0)], high=False) == pytest.approx(1.0 - STEADY, rel=0.01)
    assert at(200.0, [(0.0, SERVE)], [(0.0, 8.0)], high=True) == pytest.approx(1.25 * (1.0 + STEADY), rel=0.01)


def test_what_was_sampled_counts_until_the_window_has_passed() -> None:
    fewer = [(0.0, 8.0), (200.0, 4.0)]
    half = np.sqrt(30.0 / 60.0)
    assert at(230.0, [(0.0, SERVE)], fewer, high=False) == pytest.approx(1.0 - half * STEADY, rel=0.02)
    assert at(230.0, [(0.0, SERVE)], fewer, high=True) == pytest.approx(1.125 * (1.0 + half * STEADY), rel=0.02)
    assert at(270.0, [(0.0, SERVE)], fewer, high=False) == 1.0


def test_it_does_so_too_when_the_activator_is_back() -> None:
    back = [(0.0, SERVE), (200.0, PROXY)]
    assert at(210.0, back, [(0.0, 8.0)], high=False) < 1.0 - 0.8 * STEADY
    assert at(270.0, back, [(0.0, 8.0)], high=False) == 1.0
