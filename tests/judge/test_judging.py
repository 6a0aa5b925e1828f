"""Every requirement is judged exactly once, and judging is a function of the recording."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.base.errors import Exit, UsageError
from conformance.cli.judge_command import command
from conformance.judge import serial
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import Finding
from conformance.judge.judgement import (
    Confidence,
    Expected,
    Judgement,
    Likeness,
    Margin,
    Measured,
    Moment,
    Reason,
    Verdict,
)
from conformance.judge.judging import judge, judge_run
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run


@pytest.fixture(scope="module")
def small(good_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one short recording."""
    folder = tmp_path_factory.mktemp("small") / "run"
    place = "recording/s6-run1"
    shutil.copytree(good_run / place, folder / place)
    run = Run.read(good_run)
    alone = tuple(entry for entry in run.scenarios if entry.recording == place)
    replace(run, scenarios=alone, selected=("s6-run1",), profiles=("serving-core", "autoscaling-kpa")).write(folder)
    return folder


def test_every_requirement_of_the_profiles_is_there_once(small: Path) -> None:
    judged = [entry.requirement for entry in judge_run(small).judgements]
    profiles = Run.read(small).profiles
    assert judged == [entry.id for entry in catalogue() if entry.profile in profiles]


def test_the_command_gives_the_same_bytes_again(small: Path) -> None:
    CliRunner().invoke(command, [str(small)])
    before = (small / "judgements.json").read_bytes()
    CliRunner().invoke(command, [str(small)])
    assert (small / "judgements.json").read_bytes() == before
    assert json.loads(before)


def test_the_command_ends_with_inconclusive_where_a_pass_would_prove_nothing(small: Path) -> None:
    result = CliRunner().invoke(command, [str(small)])
    assert result.exit_code == Exit.INCONCLUSIVE, result.output
    assert "0 FAIL" not in result.output


def test_judgements_survive_the_way_to_disk_and_back() -> None:
    full = Judgement(
        "CON-001", Verdict.FAIL, "s", Expected("modelled", "x", 1.0, 2.0, "pods"), Measured(3.0, "pods", 1.0, 3.0, 9),
        Confidence(("flapping",), "9 samples"), Margin.NARROW, (Reason("SAMPLE_SIZE", "a", "b", False, "c"),), "n",
        ("f",), (Moment("s", 1.0, 2.0, "m"),), ("recording/s/facts.jsonl",), Likeness(("ceil-to-floor",), 0.1, 0.7),
    )  # fmt: skip
    bare = Judgement("CON-002", Verdict.SKIPPED)
    assert serial.load(serial.dump([full, bare])) == (full, bare)


def test_judgements_of_earlier_suites_are_read_without_what_no_run_had_proved() -> None:
    before = b'[{"requirement":"CON-001","verdict":"PASS","confidence":{"alpha":0.001,"beta":0.05,"detects":"y"}}]'
    assert serial.load(before) == (Judgement("CON-001", Verdict.PASS),)
    before = b'[{"requirement":"CON-001","verdict":"FAIL","nearest_fault":["ceil-to-floor",0.1,null]}]'
    (read,) = serial.load(before)
    assert read.consistent_with is not None
    assert read.consistent_with.faults == ("ceil-to-floor",)


def test_what_is_no_judgement_is_refused() -> None:
    with pytest.raises(ValueError, match=r"judgements are a list"):
        serial.load(b"{}")
    with pytest.raises(ValueError, match=r"not a judgement"):
        serial.load(b'[{"verdict": "PASS"}]')


def test_a_check_that_breaks_is_an_error_not_a_failure(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> Finding:
        raise ZeroDivisionError("ouch")

    check = REGISTRY.checks["band"]
    monkeypatch.setitem(REGISTRY.checks, "band", replace(check, look=breaks))
    requirement = next(entry for entry in catalogue() if entry.id == "CON-001")
    judgement = judge(Recording(small / "recording" / "s6-run1"), requirement, Context())
    assert judgement.verdict is Verdict.ERROR
    assert "ouch" in judgement.notes


def test_a_recording_that_is_missing_is_inconclusive(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "run")
    (tmp_path / "run" / "recording" / "s6-run1" / "recording.json").unlink()
    run = Run.read(tmp_path / "run")
    ours = replace(run.scenarios[0], name="target-concurrency")
    replace(run, scenarios=(ours,), selected=("target-concurrency",)).write(tmp_path / "run")
    judged = {entry.requirement: entry for entry in judge_run(tmp_path / "run").judgements}
    assert judged["CON-001"].verdict is Verdict.INCONCLUSIVE


def test_a_scenario_that_was_not_chosen_is_skipped(small: Path, tmp_path: Path) -> None:
    shutil.copytree(small, tmp_path / "run")
    run = Run.read(tmp_path / "run")
    replace(run, scenarios=(), selected=()).write(tmp_path / "run")
    judged = {entry.requirement: entry for entry in judge_run(tmp_path / "run").judgements}
    assert judged["CON-001"].verdict is Verdict.SKIPPED
    assert "not chosen" in judged["CON-001"].notes


def test_what_cannot_be_tested_says_why(small: Path) -> None:
    judged = {entry.requirement: entry for entry in judge_run(small).judgements}
    assert judged["ZER-015"].verdict is Verdict.NOT_APPLICABLE
    assert judged["ZER-015"].notes.startswith("not testable: ")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "no run.json" in str(result.exception)


def test_a_pass_says_what_this_run_excludes(small: Path) -> None:
    lines = CliRunner().invoke(command, [str(small), "--all"]).output.splitlines()
    found = {line.split()[0]: below for line, below in pairwise(lines) if " PASS " in line}
    assert found["CON-001"].endswith(
        "[excludes target-doubled, overshoot-times-2, stable-window-times-5, panic-window-is-stable-window]"
    )
    assert re.search(r"\[by [\d,]+ requests while \d+ pods came and \d+ went]$", found["INT-001"])
