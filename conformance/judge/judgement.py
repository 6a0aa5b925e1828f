"""What a recording says about one requirement, with the figures that say so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The word for the outcome."""

    PASS = "PASS"  # what was seen is what the specification allows
    FAIL = "FAIL"  # nothing the specification allows explains the recording
    INCONCLUSIVE = "INCONCLUSIVE"  # harness, capacity or observer limited the run
    ERROR = "ERROR"  # the suite itself failed
    SKIPPED = "SKIPPED"  # applicable, not run, by choice
    NOT_APPLICABLE = "NOT_APPLICABLE"  # not claimed, or this environment cannot show it

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a truth value; compare it")


class Margin(Enum):
    """How close a PASS came to failing."""

    WIDE = "WIDE"
    NARROW = "NARROW"


@dataclass(frozen=True, slots=True)
class Reason:
    """A machine-readable cause or validity check (codes in reports/schema)."""

    code: str
    value: float | str
    limit: float | str
    ok: bool
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What conforming behaviour allows."""

    source: str
    """modelled, claimed or specified."""
    statement: str
    low: float | None = None
    high: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a verdict is of itself."""

    detects: str
    """The smallest deviation that it would have found."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where to look in the recording: seconds from its origin."""

    scenario: str
    start: float
    end: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One requirement judged once."""

    requirement: str
    verdict: Verdict
    scenario: str | None = None
    expected: Expected | None = None
    measured: Measured | None = None
    confidence: Confidence | None = None
    margin: Margin | None = None
    reasons: tuple[Reason, ...] = ()
    notes: str = ""
    facts: tuple[str, ...] = ()
    """The few facts that matter most, each a sentence with its t."""
    moments: tuple[Moment, ...] = ()
    evidence: tuple[str, ...] = ()
    """Paths inside the run folder."""
    nearest_fault: tuple[str, float, float] | None = None
    """Name, misfit under that fault, misfit under the specification."""
