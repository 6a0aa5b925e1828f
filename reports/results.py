"""From verdicts to the word for a profile and the exit code of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import Final

from conformance.base.errors import Exit
from conformance.judge.judgement import Judgement, Verdict

COUNTERS: Final = {
    Verdict.PASS: "Passed",
    Verdict.FAIL: "Failed",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.ERROR: "Error",
    Verdict.SKIPPED: "Skipped",
    Verdict.NOT_APPLICABLE: "NotApplicable",
}
"""Names of the counters in a report's statistics, those of the Gateway API where it has them."""


class Result(Enum):
    """How a set of requirements came out."""

    SUCCESS = "success"
    PARTIAL = "partial"
    INCONCLUSIVE = "inconclusive"
    FAILURE = "failure"


def result(verdicts: Iterable[Verdict]) -> Result:
    """Any FAIL: failure; else any ERROR or INCONCLUSIVE: inconclusive; else any SKIPPED: partial; else success.

    Where nothing passed there is no success: a set that does not apply at all is partial."""
    found = set(verdicts)
    if Verdict.FAIL in found:
        return Result.FAILURE
    if found & {Verdict.ERROR, Verdict.INCONCLUSIVE}:
        return Result.INCONCLUSIVE
    if Verdict.SKIPPED in found or Verdict.PASS not in found:
        return Result.PARTIAL
    return Result.SUCCESS


def exit_code(judgements: Iterable[Judgement]) -> Exit:
    """Exit code of a run. One in which nothing passed or failed has decided nothing."""
    verdicts = [entry.verdict for entry in judgements]
    found = result(verdicts)
    if found is Result.FAILURE:
        return Exit.FAILURE
    if found is Result.INCONCLUSIVE or Verdict.PASS not in verdicts:
        return Exit.INCONCLUSIVE
    return Exit.PARTIAL if found is Result.PARTIAL else Exit.SUCCESS


def statistics(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """All six counters, zeros included."""
    counts = Counter(verdicts)
    return {name: counts[verdict] for verdict, name in COUNTERS.items()}
