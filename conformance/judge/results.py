"""From verdicts to the word for a set of requirements, and to the exit code of a run with its words."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from conformance.base.errors import Exit
from conformance.judge.judgement import Judgement, Verdict

WORDS: Final = {
    Exit.SUCCESS: "success",
    Exit.FAILURE: "failure",
    Exit.INCONCLUSIVE: "inconclusive or error: see the reasons above",
    Exit.PARTIAL: "partial: something was not run",
    Exit.UNREACHABLE: "the cluster could not be reached",
    Exit.INTERRUPTED: "interrupted",
}
"""Exit codes of a run in words. make turns each of them into its own 2."""


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


def result_line(code: int) -> str:
    """The last line of a run: its exit code in words."""
    return f"result  {WORDS.get(Exit(code), Exit(code).name.lower())} (exit code {int(code)})"
