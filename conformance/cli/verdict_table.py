"""Verdicts on the terminal: one aligned line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.base.terminal import printable
from conformance.catalogue.requirement import Requirement
from conformance.judge.judgement import Judgement, Verdict
from conformance.run.requirement_items import reason


def verdict_table(judgements: Sequence[Judgement], requirements: Mapping[str, Requirement]) -> Iterator[str]:
    """One line per requirement, and below it the reason for anything that is no PASS."""
    width = max((len(entry.scenario or "") for entry in judgements), default=0)
    told: dict[str, str] = {}
    for entry in judgements:
        yield f"{entry.requirement:<8} {entry.verdict.value:<14} {entry.scenario or '':<{width}}  {_figures(entry)}"
        if entry.verdict is not Verdict.PASS:
            yield f"         {requirements[entry.requirement].sentence}"
            why = printable(reason(entry))
            yield f"         {why if why not in told else 'for the same reason as ' + told[why]}"
            told.setdefault(why, entry.requirement)


def _figures(entry: Judgement) -> str:
    expected, measured = entry.expected, entry.measured
    if expected is None or measured is None:
        return ""
    band = ""
    if expected.low is not None and expected.high is not None:
        band = f"in [{expected.low:g}, {expected.high:g}]"
    elif expected.high is not None:
        band = f"at most {expected.high:g}"
    elif expected.low is not None:
        band = f"at least {expected.low:g}"
    return f"{measured.value:g} {band} {measured.unit}".replace("  ", " ")
