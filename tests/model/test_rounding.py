"""Rounding goes away from zero, counts have 32 bits, and not-a-number spreads."""

from __future__ import annotations

import math

import pytest

from conformance.model.rounding import (
    UNDEFINED_COUNT,
    ceiling,
    divide,
    floor,
    larger,
    power,
    round_half_away,
    round_to_micro,
    smaller,
    to_count,
)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (0.0, 0.0),
        (0.5, 1.0),
        (-0.5, -1.0),
        (1.5, 2.0),
        (2.5, 3.0),
        (-2.5, -3.0),
        (0.49999999999999994, 0.0),
        (-0.4, 0.0),
        (2.4, 2.0),
        (-2.6, -3.0),
        (4503599627370497.0, 4503599627370497.0),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_a_half_rounds_away_from_zero(value: float, rounded: float) -> None:
    assert round_half_away(value) == rounded


def test_a_mean_keeps_six_decimals() -> None:
    assert round_to_micro(1 / 3) == 0.333333
    assert round_to_micro(-2 / 3) == -0.666667
    assert round_to_micro(29.5555555555) == 29.555556
    assert math.isnan(round_to_micro(math.nan))


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0.0, 0),
        (3.9, 3),
        (-3.9, -3),
        (2147483647.0, 2147483647),
        (2147483647.5, 2147483647),
        (-2147483648.0, -2147483648),
        (-2147483648.5, -2147483648),
        (2147483648.0, UNDEFINED_COUNT),
        (-2147483649.0, UNDEFINED_COUNT),
        (math.inf, UNDEFINED_COUNT),
        (math.nan, UNDEFINED_COUNT),
    ],
)
def test_a_count_has_32_bits(value: float, count: int) -> None:
    assert to_count(value) == count


def test_the_undefined_count_is_the_smallest() -> None:
    assert UNDEFINED_COUNT == -2147483648


def test_not_a_number_wins_any_comparison() -> None:
    for compare in (larger, smaller):
        assert math.isnan(compare(math.nan, 1.0))
        assert math.isnan(compare(1.0, math.nan))
    assert (larger(1.0, 2.0), larger(2.0, 1.0)) == (2.0, 2.0)
    assert (smaller(1.0, 2.0), smaller(2.0, 1.0)) == (1.0, 1.0)


def test_infinite_values_survive_rounding_up_and_down() -> None:
    assert (ceiling(1.1), floor(1.9), ceiling(-1.1), floor(-1.1)) == (2.0, 1.0, -1.0, -2.0)
    assert (ceiling(math.inf), floor(-math.inf)) == (math.inf, -math.inf)
    assert math.isnan(ceiling(math.nan))
    assert math.isnan(floor(math.nan))


def test_a_division_by_zero_is_infinite_or_undefined() -> None:
    assert divide(3.0, 2.0) == 1.5
    assert divide(1.0, 0.0) == math.inf
    assert divide(-1.0, 0.0) == -math.inf
    assert divide(1.0, -0.0) == -math.inf
    assert math.isnan(divide(0.0, 0.0))
    assert math.isnan(divide(math.nan, 0.0))


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [
        (0.0001, 1 / 6, 0.21544346900318837),
        (0.0001, 1 / 10, 0.3981071705534972),
        (0.0001, 1.0, 0.0001),
        (0.8, 0.0, 1.0),
        (0.8, 1.0, 0.8),
        (0.8, 2.0, 0.6400000000000001),
        (0.8, 37.0, 0.8**37),
        (2.0, 10.0, 1024.0),
        (4.0, 1.5, 8.0),
        (4.0, 3.25, 90.50966799187809),
        (9.0, 0.5, 3.0),
        (0.99, 40_000.0, 2.557313092086e-175),
        (0.2, 400.0, 2.582249878086966e-280),
    ],
)
def test_a_power_is_that_of_knatives_run_time(base: float, exponent: float, value: float) -> None:
    assert power(base, exponent) == pytest.approx(value, rel=1e-12, abs=0)


def test_a_power_is_exact_to_the_last_bit_where_the_smoothing_needs_it() -> None:
    # From recorded weighted windows of six seconds holding a single one: 1 - power(0.0001, 1 / 6) and its decay.
    smoothing = 1 - power(0.0001, 1 / 6)
    assert smoothing == 0.7845565309968116
    assert 1.0 * smoothing * power(1 - smoothing, 0.0) == 0.7845565309968116
