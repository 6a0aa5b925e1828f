"""What a check found in one recording, before it becomes a judgement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.judge.history import History
from conformance.judge.judgement import Expected, Margin, Measured, Moment, Reason, Verdict

NARROW_SHARE: Final = 0.2
"""A PASS with less than this share of the tolerance left is NARROW (report-format section 9: flake ledger rule)."""


class NotShownError(Exception):
    """The recording lacks what a check looks at. The message says what."""


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

    def located(self, scenario: str) -> tuple[Moment, ...]:
        """The moments as parts of a scenario."""
        return tuple(Moment(scenario, round(start, 3), round(end, 3), text) for start, end, text in self.moments)


@dataclass(frozen=True, slots=True)
class Check:
    """A named way to look at a recording."""

    name: str
    look: Callable[[History, Mapping[str, Any]], Finding]
    touches: tuple[str, ...]
    """Kinds of validity checks that it depends on: load, observer, capacity, clock, witness, config, restart."""
    incomplete: bool = False
    """Judges scenarios too that did not come to their end."""


@dataclass(slots=True)
class Registry:
    """Checks by name."""

    checks: dict[str, Check] = field(default_factory=dict)

    def check(
        self, name: str, *touches: str, incomplete: bool = False
    ) -> Callable[[Callable[[History, Mapping[str, Any]], Finding]], Callable[[History, Mapping[str, Any]], Finding]]:
        """Decorator: register a check under a name."""

        def register(
            look: Callable[[History, Mapping[str, Any]], Finding],
        ) -> Callable[[History, Mapping[str, Any]], Finding]:
            if name in self.checks:
                raise ValueError(f"check {name!r} is there twice")
            self.checks[name] = Check(name, look, touches, incomplete)
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
    )
