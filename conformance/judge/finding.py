"""What a check found in one recording, before it becomes a judgement."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge.history import History
from conformance.judge.judgement import Expected, Margin, Measured, Moment, Reason, Verdict

NARROW_SHARE: Final = 0.2
"""A PASS with less than this share of the tolerance left is NARROW (report-format section 9: flake ledger rule)."""


ValidityKind: TypeAlias = Literal["load", "observer", "capacity", "clock", "witness", "config", "restart", "starved"]


class NotShownError(Exception):
    """The recording lacks what a check looks at. The message says what; `witness` that the witness in the model's place
    would have told."""

    def __init__(self, message: str, *, witness: bool = False) -> None:
        super().__init__(message)
        self.witness = witness


class OutOfReachError(NotShownError):
    """This environment cannot show what a check looks at, however often the scenario runs. The message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check."""

    verdict: Verdict
    expected: Expected
    measured: Measured
    margin: Margin | None = None
    facts: tuple[str, ...] = ()
    moments: tuple[tuple[float, float, str], ...] = ()
    """(start, end, text) in the recording."""
    reasons: tuple[Reason, ...] = ()
    notes: str = ""
    exercised: str = ""
    """What this recording tried, with figures: a PASS of a check that counts no pods is worth that much."""

    def located(self, scenario: str) -> tuple[Moment, ...]:
        """The moments as parts of a scenario."""
        return tuple(Moment(scenario, round(start, 3), round(end, 3), text) for start, end, text in self.moments)


P = TypeVar("P", bound=CheckParameters)
Look: TypeAlias = Callable[[History, P], Finding]


class PodCounts(Enum):
    """What a check has to do with how many pods there are."""

    NONE = "none"  # it looks at something else
    CARRIED_OUT = "carried out"  # whether pods follow what was decided: to zero, from zero, up and down
    DECIDED = "decided"  # what the autoscaler decided, so that a wrong autoscaler explains a failure


@dataclass(frozen=True, slots=True)
class Check:
    """A named way to look at a recording."""

    name: str
    parameters: type[CheckParameters]
    """What a requirement may tell it."""
    look: Callable[[History, CheckParameters], Finding]
    """Raises TypeError for parameters of another check."""
    touches: tuple[ValidityKind, ...]
    """What can spoil a recording for it (kinds of `validity.CHECKS`)."""
    counts: PodCounts = PodCounts.NONE
    incomplete: bool = False
    """Judges scenarios too that did not come to their end."""
    specific: bool = False
    """Its parameters say what one scenario's manifest or steps ask for, so that no other recording of a run can be held
    to them; every other check reads what it needs from the recording itself. An imported recording has no scenario:
    there the requirement's `when` alone says whether it can."""
    own: bool = False
    """It holds a threshold of somebody's own, so that no requirement of the catalogue uses it."""
    text: str = ""
    """What it finds out, as its docstring says."""


@dataclass(slots=True)
class Registry:
    """Checks by name."""

    checks: dict[str, Check] = field(default_factory=dict)

    def check(
        self,
        name: str,
        parameters: type[P],
        *touches: ValidityKind,
        counts: PodCounts = PodCounts.NONE,
        incomplete: bool = False,
        specific: bool = False,
        own: bool = False,
    ) -> Callable[[Look[P]], Look[P]]:
        """Decorator: register a check under a name, with the type of its parameters."""

        def register(look: Look[P]) -> Look[P]:
            def typed(history: History, given: CheckParameters) -> Finding:
                if not isinstance(given, parameters):
                    raise TypeError(f"check {name!r} takes {parameters.__name__}, not {type(given).__name__}")
                return look(history, given)

            if name in self.checks:
                raise ValueError(f"check {name!r} is there twice")
            text = inspect.cleandoc(look.__doc__ or "")
            starvable: tuple[ValidityKind, ...] = ("starved",) if counts is not PodCounts.NONE else ()
            self.checks[name] = Check(
                name, parameters, typed, (*touches, *starvable), counts, incomplete, specific, own, text
            )
            return look

        return register


REGISTRY: Final = Registry()
check = REGISTRY.check


def verdict(ok: bool) -> Verdict:
    """PASS or FAIL."""
    return Verdict.PASS if ok else Verdict.FAIL


def margin(used: float, tolerance: float) -> Margin:
    """How much of a tolerance is used up."""
    if tolerance <= 0:
        return Margin.WIDE
    return Margin.NARROW if used > (1.0 - NARROW_SHARE) * tolerance else Margin.WIDE


def exact(
    ok: bool,
    statement: str,
    value: float,
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
    samples: int | None = None,
    source: str = "specified",
    facts: tuple[str, ...] = (),
    moments: tuple[tuple[float, float, str], ...] = (),
    notes: str = "",
    exercised: str = "",
) -> Finding:
    """A finding without tolerance."""
    return Finding(
        verdict(ok),
        Expected(source, statement, low, high, unit),
        Measured(round(float(value), 6), unit, samples=samples),
        Margin.WIDE if ok else None,
        facts,
        moments,
        notes=notes,
        exercised=exercised,
    )
