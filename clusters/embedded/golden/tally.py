"""What a replay found: how much was compared, and every difference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TOLERANCE: Final = 1e-9
"""Relative difference of floats that is none: sums in another order, powers from another C library."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One value that came out different."""

    file: str
    place: str
    """Where in the file, e.g. `tick 20` or `row 3`."""
    field: str
    expected: Any
    got: Any

    def line(self) -> str:
        """One line for a terminal."""
        return f"{self.file}: {self.place}: {self.field}: expected {_show(self.expected)}, got {_show(self.got)}"


def _show(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def same(expected: Any, got: Any) -> bool:
    """Whether two values agree: numbers within the tolerance, a boolean as 0 or 1, containers item by item."""
    if isinstance(expected, int | float) and isinstance(got, int | float):
        return expected == got or math.isclose(expected, got, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(expected, list) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(same(one, other) for one, other in zip(expected, got, strict=True))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(value, got[key]) for key, value in expected.items())
    return bool(expected == got)


@dataclass(slots=True)
class ReplayTally:
    """Counts the decisions of one file and collects their mismatches."""

    file: str
    decisions: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    def compare(self, place: str, expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
        """One decision: every field of `expected` against the same of `got`; whether all agree."""
        self.decisions += 1
        agreed = True
        for name, value in expected.items():
            if not same(value, got.get(name)):
                self.mismatches.append(Mismatch(self.file, place, name, value, got.get(name)))
                agreed = False
        return agreed
