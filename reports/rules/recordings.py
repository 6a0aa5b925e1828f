"""Rules that look into the recordings: something ran, the harness was fit, judgements follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.judge import serial
from conformance.judge.history import History
from conformance.judge.judging import judge_again
from reports.document import check, requirement
from reports.submission import Submission, UnevaluableError, same

DECIDED: Final = {"PASS", "FAIL"}
LEFT_OUT: Final = {"SKIPPED", "NOT_APPLICABLE"}


def ran(submission: Submission) -> Iterator[str]:
    """V06. Of a selection, profiles may be left out whole: they are called partial and claim nothing."""
    verdicts: dict[str, set[str]] = {}
    for entry in submission.stated:
        verdicts.setdefault(str(entry.get("profile")), set()).add(str(entry.get("verdict")))
    if not any(found & DECIDED for found in verdicts.values()):
        yield "no requirement was decided"
    for block in submission.block("profiles"):
        name = str(block.get("name"))
        found = verdicts.get(name, set())
        results = {str(block[part].get("result")) for part in ("core", "extended") if part in block}
        if found & DECIDED:
            continue
        if "success" in results:
            yield f"profile {name}: nothing was decided, and its result says success"
        elif found - LEFT_OUT:
            yield f"profile {name}: nothing was decided; leave the profile out, or run it"
    if not submission.recordings:
        yield "there is no recording"
    for name, recording in submission.recordings.items():
        if not any(recording.facts()):
            yield f"recording/{name} holds no fact"
        for load in recording.loads():
            if not load.count:
                yield f"recording/{name}/load-{load.index} holds no request"
    for went in submission.run.scenarios:
        history = submission.judged.histories.get(went.name)
        if history is not None and went.outcome == "complete":
            yield from _loads(went.name, history)


def _loads(name: str, history: History) -> Iterator[str]:
    planned = sum(step.kind == "load" for step in history.scenario.steps)
    if len(history.loads) < planned and not history.imported:
        yield f"recording/{name}: {planned} loads were planned, {len(history.loads)} are there"


def validity(submission: Submission) -> Iterator[str]:
    """V10."""
    computed = [check(entry) for entry in submission.judged.validity]
    if not same(submission.block("validity"), computed):
        stated = {str(entry.get("code")): entry for entry in submission.block("validity")}
        for entry in computed:
            if not same(stated.get(entry["code"]), entry):
                given = stated.get(entry["code"], {}).get("value", "nothing")
                yield f"{entry['code']}: the report says {given}, the recordings {entry['value']}"
        for code in stated.keys() - {entry["code"] for entry in computed}:
            yield f"{code}: the recordings do not give this check"


def rejudge(submission: Submission) -> Iterator[str]:
    """V11."""
    judged = submission.judged
    try:
        again = judge_again(judged).judgements
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise UnevaluableError(f"the recordings cannot be judged: {error}") from error
    # Read and written again, as judgements of earlier suites hold figures that are no longer written.
    if serial.dump(again) != serial.dump(serial.load(submission.bytes("judgements.json"))):
        before = judged.by_id
        changed = [e.requirement for e in again if before.get(e.requirement) != e]
        changed += sorted(before.keys() - {e.requirement for e in again})
        yield f"judging again gives other judgements: {', '.join(changed[:8]) or 'other bytes'}"
    stated = {str(entry.get("id")): entry for entry in submission.stated}
    for entry in judged.requirements:
        if entry.id in stated and not same(_judged(stated[entry.id]), requirement(judged, entry)):
            yield f"{entry.id}: the report's figures are not those of its judgement"


def _judged(stated: Mapping[str, Any]) -> dict[str, Any]:
    """A requirement of a report without what its judgement does not hold: the flake ledger's line, and the error
    budgets of earlier suites."""
    found = {key: value for key, value in stated.items() if key != "flake"}
    if isinstance(found.get("confidence"), dict):
        found["confidence"] = {key: value for key, value in found["confidence"].items() if key not in ("alpha", "beta")}
    return found
