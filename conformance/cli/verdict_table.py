"""Verdicts on the terminal, after a run and when it is judged again: one aligned line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from conformance.base.terminal import printable
from conformance.catalogue.requirement import Requirement
from conformance.judge.judgement import POWER, Judgement, Verdict
from conformance.judge.verdict_text import TOLD, because, counted, headline, proof

INDENT = " " * 9
ASIDE = (Verdict.PASS, Verdict.SKIPPED, Verdict.NOT_APPLICABLE)


def verdict_table(
    judgements: Sequence[Judgement],
    requirements: Mapping[str, Requirement],
    *,
    full: bool = False,
    only_failures: bool = False,
) -> Iterator[str]:
    """One line per requirement, and below it for anything that is no PASS its sentence and why, which is told once
    where several have the same reason. `full` gives a PASS its sentence too, and what it proves; `only_failures` leaves
    out what passed, was not run or does not apply."""
    if only_failures:
        judgements = [entry for entry in judgements if entry.verdict not in ASIDE]
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
        faults, remedy = undecided(entry)
        why = (printable(remedy),) if faults else tuple(printable(text) for text in because(entry, TOLD))
        if faults:
            yield f"{INDENT}nothing speaks against it, but {faults} would look the same"
        if why in told:
            yield f"{INDENT}for the same reason as {told[why]}"
        else:
            told[why] = entry.requirement
            yield from (INDENT + text for text in why)


def undecided(entry: Judgement) -> tuple[str, str]:
    """Of a verdict that nothing but too little load kept open: the faults that would pass too, and what would tell
    them; empty for any other."""
    failed = [reason for reason in entry.reasons if not reason.ok]
    if entry.verdict is not Verdict.INCONCLUSIVE or {reason.code for reason in failed} != {POWER}:
        return "", ""
    if len(remedies := {reason.remedy for reason in failed}) != 1:
        return "", ""
    return ", ".join(str(reason.value).partition(" ")[0] for reason in failed), remedies.pop()


def totals(judgements: Sequence[Judgement], seconds: float) -> str:
    """`109 requirements: 108 PASS, 1 FAIL; 227.3 s`"""
    return f"{counted(judgements)}; {seconds:.1f} s"
