"""Durations as Knative reads and prints them: `1h30m`, `6.5s`, `-10ms`, in whole nanoseconds."""

from __future__ import annotations

from typing import Final

from conformance.model.literals import quote

SECOND_NANOSECONDS: Final = 1_000_000_000
_LARGEST_NANOSECONDS: Final = (1 << 63) - 1

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND_NANOSECONDS,
    "m": 60 * SECOND_NANOSECONDS,
    "h": 3_600 * SECOND_NANOSECONDS,
}
_DIGITS: Final = frozenset("0123456789")


def parse_duration(text: str) -> int:
    """Nanoseconds of a sequence of decimal numbers, each with its unit; raises ValueError.

    A bare `0` needs no unit, any other number does.
    """
    sign = -1 if text.startswith("-") else 1
    rest = text[1:] if text[:1] in {"+", "-"} else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {quote(text)}")
    total = 0
    while rest:
        amount, rest = _take_amount(rest, text)
        total += amount
        if total > _LARGEST_NANOSECONDS + (sign < 0):
            raise ValueError(f"time: invalid duration {quote(text)}")
    return sign * total


def _take_amount(rest: str, text: str) -> tuple[int, str]:
    """Nanoseconds of the leading number and unit, and what follows them."""
    whole, rest = _take_digits(rest)
    fraction = ""
    if rest.startswith("."):
        fraction, rest = _take_digits(rest[1:])
    if not whole and not fraction:
        raise ValueError(f"time: invalid duration {quote(text)}")
    end = next((i for i, letter in enumerate(rest) if letter == "." or letter in _DIGITS), len(rest))
    unit, rest = rest[:end], rest[end:]
    if not unit:
        raise ValueError(f"time: missing unit in duration {quote(text)}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
    amount = int(whole or "0") * _UNITS[unit]
    if fraction:
        amount += int(float(int(fraction)) * (float(_UNITS[unit]) / float(10 ** len(fraction))))
    return amount, rest


def _take_digits(rest: str) -> tuple[str, str]:
    end = next((i for i, letter in enumerate(rest) if letter not in _DIGITS), len(rest))
    return rest[:end], rest[end:]


def format_duration(nanoseconds: int) -> str:
    """The text Knative's messages show: `1h1m0s`, `6.5s`, `900ms`, `0s`."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds)
    if nanoseconds < 1_000:
        return f"{nanoseconds}ns"
    if nanoseconds < 1_000_000:
        return f"{_decimal(nanoseconds, 3)}µs"
    if nanoseconds < SECOND_NANOSECONDS:
        return f"{_decimal(nanoseconds, 6)}ms"
    minutes, below = divmod(nanoseconds, 60 * SECOND_NANOSECONDS)
    text = _decimal(below, 9) + "s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return text


def _decimal(value: int, places: int) -> str:
    whole, fraction = divmod(value, 10**places)
    return f"{whole}.{fraction:0{places}d}".rstrip("0").rstrip(".")


def round_to_seconds(nanoseconds: int) -> int:
    """Nanoseconds of the nearest whole second, halves away from zero."""
    sign = -1 if nanoseconds < 0 else 1
    return sign * ((abs(nanoseconds) + SECOND_NANOSECONDS // 2) // SECOND_NANOSECONDS) * SECOND_NANOSECONDS
