"""A judgement as a small scale: the allowed band and where the measured value lies."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conformance.judge.judgement import Judgement


@dataclass(frozen=True, slots=True)
class Gauge:
    """Positions in percent of the scale's width."""

    start: float
    end: float
    value: float
    inside: bool


def gauge(judgement: Judgement) -> Gauge | None:
    """None where there is no number to place."""
    expected, measured = judgement.expected, judgement.measured
    if expected is None or measured is None or not math.isfinite(measured.value):
        return None
    low = expected.low if expected.low is not None and math.isfinite(expected.low) else None
    high = expected.high if expected.high is not None and math.isfinite(expected.high) else None
    if low is None and high is None:
        return None
    known = [value for value in (low, high, measured.value) if value is not None]
    least, most = min(known), max(known)
    room = (most - least) * 0.25 or abs(most) * 0.25 or 1.0
    least = min(least - room, 0.0) if least >= 0 and low is None else least - room
    most += room
    scale = 100.0 / (most - least)
    return Gauge(
        start=0.0 if low is None else (low - least) * scale,
        end=100.0 if high is None else (high - least) * scale,
        value=(measured.value - least) * scale,
        inside=(low is None or measured.value >= low) and (high is None or measured.value <= high),
    )
