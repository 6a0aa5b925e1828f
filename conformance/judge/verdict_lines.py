"""Judgements as lines for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from conformance.base.errors import UsageError
from conformance.catalogue.requirement import catalogue
from conformance.judge.judged_run import JudgedRun, store
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run

_QUIET: Final = (Verdict.NOT_APPLICABLE, Verdict.SKIPPED)


def judge(folder: Path) -> JudgedRun:
    """Judge and store; a folder that is not a run is the user's to correct."""
    try:
        judged = judge_run(folder)
        store(judged)
        return judged
    except (ValueError, KeyError) as error:
        raise UsageError(f"{folder}: cannot be judged: {error}") from error


def lines(judgements: Sequence[Judgement], show_all: bool = False) -> Iterator[str]:
    """One aligned line a requirement, and beneath it why it is not a PASS."""
    sentences = {entry.id: entry.sentence for entry in catalogue()}
    for judgement in judgements:
        if judgement.verdict in _QUIET and not show_all:
            continue
        sentence = sentences.get(judgement.requirement, "")
        if judgement.confidence and judgement.verdict in (Verdict.PASS, Verdict.FAIL):
            sentence += f" [finds {judgement.confidence.detects}]"
        yield f"{judgement.requirement:<9}{judgement.verdict.value:<15}{judgement.scenario or '':<26}{sentence}"
        if judgement.verdict is Verdict.FAIL and judgement.expected and judgement.measured:
            yield f"{'':9}expected {_range(judgement)}, measured {judgement.measured.value:g} {judgement.measured.unit}"
            for fact in judgement.facts[:3]:
                yield f"{'':9}{fact}"
            if judgement.nearest_fault:
                name, under, specified = judgement.nearest_fault
                yield f"{'':9}explained by {name} (misfit {under:.2f}, by the specification {specified:.2f})"
        for reason in judgement.reasons:
            if not reason.ok:
                yield f"{'':9}{reason.code} {reason.value}, limit {reason.limit}: {reason.remedy}"


def _range(judgement: Judgement) -> str:
    expected = judgement.expected
    assert expected is not None
    low, high = expected.low, expected.high
    if low is not None and high is not None:
        return f"{low:g}..{high:g} {expected.unit}" if low != high else f"{low:g} {expected.unit}"
    if high is not None:
        return f"at most {high:g} {expected.unit}"
    if low is not None:
        return f"at least {low:g} {expected.unit}"
    return expected.statement


def closing(judgements: Sequence[Judgement]) -> str:
    """The last line: how many of each verdict."""
    counts = Counter(judgement.verdict for judgement in judgements)
    words = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    return f"{len(judgements)} requirements: " + ", ".join(words)


def drift_lines(judged: JudgedRun) -> Iterator[str]:
    """Where the page and the model disagree."""
    for entry in judged.drifts:
        yield f"drift  {entry.scenario}: page says {entry.claimed}, modelled {entry.modelled} ({entry.passage})"
