"""A validity check: whether something that is no fault of the platform spoilt a recording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.judge.history import History
from conformance.judge.judgement import Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """What a check found where its limit or remedy depend on the recording."""

    value: float
    remedy: str
    limit: float | None = None
    ok: bool | None = None
    """None where value and limit decide."""


@dataclass(frozen=True, slots=True)
class ValidityCheck:
    """One way in which a recording may be spoilt: what is measured, and how much of it is granted."""

    code: str
    kind: str
    """What it spoils: a check of the catalogue names the kinds that touch it."""
    limit: float
    measure: Callable[[History], float | Reading | None]
    """None where the recording does not tell."""
    remedy: str
    at_least: bool = False
    """The value has to reach the limit; else it must not exceed it."""
    digits: int = 4

    def look(self, history: History) -> Reason | None:
        """The outcome for one recording."""
        found = self.measure(history)
        if found is None:
            return None
        reading = found if isinstance(found, Reading) else Reading(found, self.remedy)
        limit = self.limit if reading.limit is None else reading.limit
        value = round(reading.value, self.digits) if isinstance(reading.value, float) else reading.value
        ok = reading.ok
        if ok is None:
            ok = value >= limit if self.at_least else value <= limit
        return Reason(self.code, value, f"{'>=' if self.at_least else '<='} {limit}", ok, reading.remedy)
