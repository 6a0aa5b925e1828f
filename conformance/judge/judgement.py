"""What a recording says about one requirement, with the figures that say so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

POWER: Final = "POWER"
"""Code of the reason that names a fault which would have passed too."""


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
    """What a PASS proves: what this recording would have failed, and what it looked at."""

    excluded: tuple[str, ...] = ()
    """Faults of the platform that would have failed the same check on the same load."""
    exercised: str = ""
    """What was looked at, where no fault can be supposed in its place."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Faults of a platform that a run is consistent with: for the reader, no verdict rests on it."""

    faults: tuple[str, ...]
    """Those that cannot be told apart, the likeliest first."""
    misfit: float
    """Pods x seconds off the first one's likely course, as a share of those seen."""
    specified: float
    """The same by the specification."""


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
    consistent_with: Likeness | None = None
    """Where a decided count was wrong: what all scenarios of the run together look like."""
