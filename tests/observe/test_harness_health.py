"""Whether clocks differ, judged from a Date header."""

from __future__ import annotations

import pytest

from conformance.observe.harness_health import skew_seconds


@pytest.mark.parametrize("ahead", [-2.0, -1.0, 0.0])
def test_a_date_cut_to_seconds_and_renewed_late_is_no_skew(ahead: float) -> None:
    assert skew_seconds(ahead, 0.0) == 0.0


@pytest.mark.parametrize(("ahead", "skew"), [(5.0, 5.0), (-7.0, -5.0)])
def test_a_clock_that_is_off_is_told_by_its_least_skew(ahead: float, skew: float) -> None:
    assert skew_seconds(ahead, 0.0) == skew


@pytest.mark.parametrize("ahead", [-3.9, 1.9])
def test_a_slow_answer_accuses_no_clock(ahead: float) -> None:
    assert skew_seconds(ahead, 4.0) == 0.0


def test_a_slow_answer_hides_no_more_than_half_its_time() -> None:
    assert skew_seconds(9.0, 4.0) == 7.0
    assert skew_seconds(-9.0, 4.0) == -5.0
