"""How many requests of a burst a pod held, when answers and arrivals overlap."""

from __future__ import annotations

import numpy as np

from conformance.judge.arrivals import ROWS
from conformance.judge.checks.limits import held_in_burst

MOST = 22


def burst(at: float, *answers: tuple[int, float]) -> np.ndarray:
    """Rows of requests due together: status and seconds until the answer."""
    rows = np.zeros(len(answers), ROWS)
    rows["scheduled"] = rows["sent"] = at
    rows["status"] = [status for status, _ in answers]
    rows["end"] = [at + seconds for _, seconds in answers]
    return rows


def test_all_that_were_not_refused_wereheld_in_burst() -> None:
    rows = burst(0.0, *[(200, 0.5)] * 28, *[(503, 0.01)] * 12)
    assert held_in_burst(rows, rows, MOST) == 28
    rows = burst(0.0, *[(200, 0.5)] * 15, *[(503, 0.01)] * 25)
    assert held_in_burst(rows, rows, MOST) == 15


def test_what_was_answered_before_the_last_refusal_made_room_for_others() -> None:
    rows = burst(0.0, *[(200, 0.2)] * 8, *[(200, 0.9)] * 20, *[(503, 0.4)] * 12)
    assert held_in_burst(rows, rows, MOST) == MOST


def test_more_inside_than_may_be_is_seen_in_a_slow_burst_too() -> None:
    rows = burst(0.0, *[(200, 0.2)] * 8, *[(200, 0.9)] * 26, *[(503, 0.4)] * 6)
    assert held_in_burst(rows, rows, MOST) == 26


def test_what_an_earlier_burst_left_inside_counts() -> None:
    later = burst(2.0, *[(200, 0.5)] * 12, *[(503, 0.01)] * 28)
    rows = np.concatenate((burst(0.0, *[(200, 2.5)] * 10), later))
    assert held_in_burst(rows, later, MOST) == MOST


def test_without_a_refusal_all_wereheld_in_burst() -> None:
    rows = burst(0.0, *[(200, 0.5)] * 40)
    assert held_in_burst(rows, rows, MOST) == 40
