"""What an activator's first report after a silence tells beyond the load of its second."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.demand import Demand, Side
from conformance.judge.first_reports import beyond
from conformance.judge.history import Revision
from conformance.judge.path_changes import PROXY
from conformance.judge.step_function import StepFunction

ENDS = np.arange(0.6, 20.0)


def revision(mode: str = PROXY) -> Revision:
    """One with a ready pod."""
    return Revision("r", "predictor", 0.0, modes=[(0.0, mode)], ready=StepFunction.of([(0.0, 1.0)]))


def told(starts: list[float], seconds: float, subject: Revision | None = None) -> dict[float, float]:
    """By the end of a second what may be told beyond a load of requests that last so long."""
    begun = np.array(starts)
    side = Side(Occupancy(begun, begun + seconds), begun)
    values = side.counted.between(ENDS - 1.0, ENDS)
    found = beyond(subject or revision(), Demand(side, side, side.sent, starts[0], starts[-1]), ENDS, values)
    return {round(float(end), 6): round(float(more), 3) for end, more in zip(ENDS, found, strict=True) if more > 1e-9}


def test_a_short_burst_stands_for_a_second() -> None:
    # Twenty requests of a tenth: two in flight over a second, twenty over the tenth.
    assert told([5.0] * 20, 0.1) == {5.6: 18.0}


def test_a_lasting_load_is_told_in_full_at_once() -> None:
    # Four tenths of its first second are over at the report on that second.
    assert told([5.2] * 5, 10.0) == {5.6: 3.0}


def test_a_load_that_follows_within_a_second_is_known_already() -> None:
    assert told([5.0] * 20 + [6.05] * 20, 0.1) == {5.6: 18.0}


def test_each_silence_makes_it_forget() -> None:
    assert told([5.0] * 20 + [9.0] * 10, 0.1) == {5.6: 18.0, 9.6: 9.0}


def test_what_reaches_the_pods_directly_is_just_counted() -> None:
    assert told([5.0] * 20, 0.1, revision("Serve")) == {}


@pytest.mark.parametrize("starts", [[5.0] * 20, [5.0]])
def test_arrivals_are_just_counted(starts: list[float]) -> None:
    side = Side(Arrivals(np.array(starts)), np.array(starts))
    values = side.counted.between(ENDS - 1.0, ENDS)
    assert not beyond(revision(), Demand(side, side, side.sent, starts[0], starts[-1]), ENDS, values).any()
