from __future__ import annotations

import pytest

from conformance.base.errors import Exit
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.results import Result, exit_code, result
from reports.statistics import statistics

P, F, I, E, S, N = Verdict  # noqa: E741 - in the order of the report's own counters


@pytest.mark.parametrize(
    ("verdicts", "expected", "code"),
    [
        ([P, P], Result.SUCCESS, Exit.SUCCESS),
        ([P, N], Result.SUCCESS, Exit.SUCCESS),
        ([P, S], Result.PARTIAL, Exit.PARTIAL),
        ([P, S, I], Result.INCONCLUSIVE, Exit.INCONCLUSIVE),
        ([P, E], Result.INCONCLUSIVE, Exit.INCONCLUSIVE),
        ([P, I, E, S, F], Result.FAILURE, Exit.FAILURE),
        ([N], Result.PARTIAL, Exit.INCONCLUSIVE),
        ([S, N], Result.PARTIAL, Exit.INCONCLUSIVE),
        ([], Result.PARTIAL, Exit.INCONCLUSIVE),
    ],
)
def test_the_worst_verdict_decides_and_nothing_passed_is_no_success(
    verdicts: list[Verdict], expected: Result, code: Exit
) -> None:
    assert result(verdicts) is expected
    assert exit_code([Judgement(f"ABC-{number:03d}", entry) for number, entry in enumerate(verdicts)]) is code


def test_all_six_counters_are_always_there() -> None:
    assert statistics([P, P, S]) == {
        "Passed": 2, "Failed": 0, "Inconclusive": 0, "Error": 0, "Skipped": 1, "NotApplicable": 0,
    }  # fmt: skip
