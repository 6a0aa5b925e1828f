"""A run from its plan to its folder, in virtual time: harness.log alone tells why it ended as it did."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from conformance.base.errors import Exit
from conformance.judge.judgement import Verdict
from conformance.run.pipeline import RunOutcome, execute
from conformance.run.plan import make_plan
from conformance.run.progress import Progress
from conformance.settings.settings import load


def run(folder: Path, only: str, fault: str | None) -> RunOutcome:
    flags = {"clock": "virtual", "only": [only], "fault": fault, "reports": str(folder), "seed": 7}
    with Progress(io.StringIO(), live=False) as progress:
        return execute(make_plan(load(None, {}, flags)), progress)


def lines(outcome: RunOutcome) -> list[str]:
    """`LEVEL logger: text` of each line, without seconds that are no origin."""
    text = (outcome.folder / "harness.log").read_text("utf-8")
    return [re.sub(r" t=(?!0\.0)[0-9.]+:", "", line.partition(" ")[2]) for line in text.splitlines()]


def test_a_wrong_platform_is_told_from_the_log_alone(tmp_path: Path) -> None:
    outcome = run(tmp_path, "limit-buffered", "transient-errors")
    assert outcome.exit_code == Exit.FAILURE
    found = lines(outcome)
    story = [
        "INFO    conformance.run.run_lines: run virtual-00000007-transient-errors: conformance run --clock virtual ",
        "INFO    conformance.run.run_lines: cluster embedded, clock virtual, seed 7, fault transient-errors",
        "INFO    conformance.run.run_lines: setting fault is transient-errors (usually None)",
        "INFO    conformance.run.run_lines: requirements: LIM-004",
        "INFO    conformance.run.run_lines: scenarios: limit-buffered",
        "INFO    conformance.run.run_lines: Kubernetes ",
        "INFO    conformance.base.announcements: the platform is broken on purpose: transient-errors",
        "INFO    conformance.run.scenario_log: limit-buffered t=0.0: is recorded in recording/limit-buffered",
        "INFO    conformance.run.scenario_log: limit-buffered step 1 load (14 callers for 15 s)",
        "DEBUG   conformance.run.scenario_log: limit-buffered pods 1/1 in panic, in flight ",
        "INFO    conformance.run.scenario_log: limit-buffered load 0 to ",
        "ERROR   conformance.run.run_lines: LIM-004 FAIL limit-buffered: With the activator in the path ",
        "INFO    conformance.run.run_lines: 1 requirement: 1 FAIL",
        "INFO    conformance.run.run_lines: result  failure (exit code 1); the report is ",
    ]
    positions: list[int] = []
    for part in story:
        start = positions[-1] + 1 if positions else 0
        positions.append(next((at for at in range(start, len(found)) if found[at].startswith(part)), len(found)))
        assert positions[-1] < len(found), part
    answers = next(line for line in found if " load 0 to " in line)
    assert " x 503 (t=" in answers


def test_nothing_usual_is_told_as_a_setting_and_budgets_of_the_cluster_are_usual(tmp_path: Path) -> None:
    outcome = run(tmp_path, "limit-buffered", None)
    assert [entry.verdict for entry in outcome.judgements] == [Verdict.PASS]
    told = [line.partition("setting ")[2].partition(" is ")[0] for line in lines(outcome) if ": setting " in line]
    assert told == ["only", "clock", "seed"]


def test_what_breaks_off_is_the_last_word_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(folder: Path) -> None:
        raise RuntimeError(f"no such thing in {folder.name}")

    monkeypatch.setattr("conformance.run.pipeline.judge_run", break_off)
    with pytest.raises(RuntimeError, match="no such thing"):
        run(tmp_path, "limit-buffered", None)
    text = next(tmp_path.glob("*/harness.log")).read_text("utf-8")
    assert "CRITICAL conformance.run.harness_log: the run broke off\nTraceback" in text
    assert text.rstrip().endswith("RuntimeError: no such thing in virtual-00000007")
