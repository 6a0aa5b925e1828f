"""Durations are read and printed as Go does it."""

from __future__ import annotations

import pytest

from conformance.model.durations import format_duration, parse_duration

S = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("+0", 0),
        ("-0", 0),
        ("0s", 0),
        ("6s", 6 * S),
        ("+6s", 6 * S),
        ("-1s", -S),
        ("1h1m1s", 3661 * S),
        ("1h0.5m", 3630 * S),
        ("6.5s", 6_500_000_000),
        (".5s", S // 2),
        ("5.s", 5 * S),
        ("900ms", 900_000_000),
        ("2us", 2_000),
        ("2µs", 2_000),
        ("2μs", 2_000),
        ("7ns", 7),
        ("1.5ns", 1),
        ("0.123456789s", 123_456_789),
        ("2562047h", 2562047 * 3600 * S),
        ("-9223372036854775808ns", -(1 << 63)),
        ("9223372036854775807ns", (1 << 63) - 1),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("x", 'time: invalid duration "x"'),
        (".s", 'time: invalid duration ".s"'),
        ("3 s", 'time: unknown unit " s" in duration "3 s"'),
        ("60", 'time: missing unit in duration "60"'),
        ("1h60", 'time: missing unit in duration "1h60"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1s.s", 'time: invalid duration "1s.s"'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("-9223372036854775809ns", 'time: invalid duration "-9223372036854775809ns"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
    ],
)
def test_a_bad_duration_is_refused_with_gos_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^time: ") as refused:
        parse_duration(text)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (999, "999ns"),
        (1_000, "1µs"),
        (1_500, "1.5µs"),
        (999_999, "999.999µs"),
        (1_000_000, "1ms"),
        (900_000_000, "900ms"),
        (S, "1s"),
        (6_500_000_000, "6.5s"),
        (60 * S, "1m0s"),
        (61_050_000_000, "1m1.05s"),
        (3600 * S, "1h0m0s"),
        (3660 * S, "1h1m0s"),
        (-S, "-1s"),
        (-90 * S, "-1m30s"),
        (10 * S, "10s"),
        (100_000, "100µs"),
    ],
)
def test_a_duration_is_printed_in_its_largest_units(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text
