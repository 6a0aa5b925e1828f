"""Durations as Knative reads and prints them: `1h30m`, `6.5s`, `-10ms`, in whole nanoseconds."""

from __future__ import annotations

import re
from decimal import Decimal
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
_AMOUNT: Final = re.compile(r"(?P<whole>[0-9]*)(?:\.(?P<fraction>[0-9]*))?(?P<unit>[^.0-9]*)", re.ASCII)


def parse_duration(text: str) -> int:
    """Nanoseconds of a sequence of decimal numbers, each with its unit; raises ValueError.

    A bare `0` needs no unit, any other number does.
    """
    negative = text.startswith("-")
    rest = text[1:] if text[:1] in {"+", "-"} else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f"time: invalid duration {quote(text)}")
    limit = _LARGEST_NANOSECONDS + 1 if negative else _LARGEST_NANOSECONDS
    total = 0
    while rest:
        amount, rest = _take_amount(rest, text)
        total += amount
        if total > limit:
            raise ValueError(f"time: invalid duration {quote(text)}")
    return -total if negative else total


def _take_amount(rest: str, text: str) -> tuple[int, str]:
    """Nanoseconds of the leading number and unit, and what follows them."""
    found = _AMOUNT.match(rest)
    assert found is not None
    whole, fraction, unit = found.group("whole", "fraction", "unit")
    if not whole and not fraction:
        raise ValueError(f"time: invalid duration {quote(text)}")
    if not unit:
        raise ValueError(f"time: missing unit in duration {quote(text)}")
    if unit not in _UNITS:
        raise ValueError(f"time: unknown unit {quote(unit)} in duration {quote(text)}")
    amount = int(whole or "0") * _UNITS[unit]
    if fraction:
        amount += int(float(int(fraction)) * (float(_UNITS[unit]) / float(10 ** len(fraction))))
    return amount, rest[found.end() :]


def format_duration(nanoseconds: int) -> str:
    """The text Knative's messages show: `1h1m0s`, `6.5s`, `900ms`, `0s`."""
    if nanoseconds < 0:
        return "-" + format_duration(-nanoseconds)
    if nanoseconds == 0:
        return "0s"
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
    """The value with its last `places` digits after the point, without zeros at the end."""
    return f"{Decimal(value).scaleb(-places).normalize():f}"
