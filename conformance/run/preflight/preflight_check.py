"""The result of one preflight check, and how a list of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """What a check means for a run."""

    OK = "ok"
    WARN = "warn"  # verdicts are possible, something is missed or assumed
    FAIL = "FAIL"  # some or all requirements would be inconclusive


@dataclass(frozen=True, slots=True)
class Check:
    """One line."""

    name: str
    level: Level
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Check:
    """A check that found what it should."""
    return Check(name, Level.OK, found)


def lines(checks: Sequence[Check]) -> Iterator[str]:
    """Aligned: level, name, what was found; below it the remedy."""
    width = max((len(check.name) for check in checks), default=0)
    for check in checks:
        yield f"{check.level.value:<5} {check.name:<{width}}  {check.found}"
        if check.level is not Level.OK:
            yield f"{'':<5} {'':<{width}}  -> {check.remedy}"


def decided(checks: Sequence[Check]) -> bool:
    """Whether a run could decide: nothing failed."""
    return all(check.level is not Level.FAIL for check in checks)
