"""Verdicts on the terminal, after a run and when it is judged again: one aligned line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.base.terminal import printable
from conformance.catalogue.requirement import Requirement
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.verdict_text import TOLD, because, headline, proof

INDENT = " " * 9


def verdict_table(
    judgements: Sequence[Judgement], requirements: Mapping[str, Requirement], *, full: bool = False
) -> Iterator[str]:
    """One line per requirement, and below it for anything that is no PASS its sentence and why, which is told once
    where several have the same reason. `full` gives a PASS its sentence too, and what it proves."""
    width = max((len(entry.scenario or "") for entry in judgements), default=0)
    told: dict[tuple[str, ...], str] = {}
    for entry in judgements:
        line = f"{entry.requirement:<8} {entry.verdict.value:<14} {entry.scenario or '':<{width}}  {headline(entry)}"
        yield printable(line).rstrip()
        sentence = requirements[entry.requirement].sentence
        if entry.verdict is Verdict.PASS:
            if full:
                yield f"{INDENT}{sentence}" + (f" [{found}]" if (found := proof(entry)) else "")
            continue
        yield INDENT + sentence
        why = tuple(printable(text) for text in because(entry, TOLD))
        if why in told:
            yield f"{INDENT}for the same reason as {told[why]}"
        else:
            told[why] = entry.requirement
            yield from (INDENT + text for text in why)
