from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

import reports
from conformance.base.errors import HarnessError
from conformance.catalogue.requirement import PROFILES
from conformance.judge.judged_run import stored
from conformance.judge.judgement import Judgement, Verdict
from conformance.recording.run_record import Deviation
from reports.document import schema
from tests.reports.folders import CATALOGUE, brief, judgements, run_folder

Change = Callable[[dict[str, Any]], object]
EXAMPLE = yaml.safe_load((Path(__file__).parent / "example-report.yaml").read_text(encoding="utf-8"))


def errors(report: object) -> list[str]:
    return [error.message for error in jsonschema_rs.validator_for(schema()).iter_errors(report)]


def entry(report: dict[str, Any], identity: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in report["requirements"] if item["id"] == identity)
    return found


BROKEN: dict[str, Change] = {
    "a branch name as version": lambda r: r["implementation"].update(version="main"),
    "PASS without measurement": lambda r: entry(r, "ASC-001").pop("measured"),
    "PASS without evidence": lambda r: entry(r, "ASC-001").update(evidence=[]),
    "a second attempt": lambda r: entry(r, "ASC-001").update(attempts=2),
    "INCONCLUSIVE without reason": lambda r: entry(r, "PAN-002").pop("reasons"),
    "a skip without note": lambda r: entry(r, "MET-004").pop("notes"),
    "an absolute path": lambda r: r["evidence"]["files"][0].update(path="/etc/passwd"),
    "an empty file": lambda r: r["evidence"]["files"][0].update(bytes=0),
    "a wrong word for a verdict": lambda r: entry(r, "ASC-001").update(verdict="PASSED"),
    "a surviving mutant without reason": lambda r: r["suite"]["selfTest"]["survived"][0].pop("reason"),
    "a short digest": lambda r: r["evidence"].update(digest="sha256:12ab"),
    "an unknown field": lambda r: r["run"].update(retries=3),
    "local time": lambda r: r["run"].update(started="2026-11-24T03:01:22+01:00"),
}


def test_the_example_is_valid() -> None:
    assert errors(EXAMPLE) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_report_is_refused(name: str) -> None:
    report = copy.deepcopy(EXAMPLE)
    BROKEN[name](report)
    assert errors(report)


def test_the_schema_knows_every_profile() -> None:
    names = schema()["properties"]["profiles"]["items"]["properties"]["name"]["enum"]
    assert sorted(names) == sorted({*PROFILES, "own"})


def test_every_requirement_is_in_the_report_once(written: Path) -> None:
    report = yaml.safe_load((written / "report.yaml").read_text(encoding="utf-8"))
    assert [item["id"] for item in report["requirements"]] == [item.id for item in CATALOGUE]
    assert errors(report) == []
    core, extended = report["profiles"][0]["core"], report["profiles"][0]["extended"]
    assert core["result"] == "inconclusive"
    assert core["statistics"] == {
        "Passed": 2, "Failed": 0, "Inconclusive": 1, "Error": 1, "Skipped": 1, "NotApplicable": 0,
    }  # fmt: skip
    assert extended["failedTests"] == ["LIM-001"]
    assert extended["supportedFeatures"] == ["ContainerConcurrency"]
    assert extended["unsupportedFeatures"] == ["ScaleMetricMemory"]


def test_a_deviation_takes_the_strict_seal(tmp_path: Path) -> None:
    deviation = Deviation("readiness_timeout_seconds", 120.0, 240.0, 600.0, "images come over a slow link")
    folder = run_folder(tmp_path, deviations=(deviation,), stories=brief())
    reports.write(stored(folder, CATALOGUE))
    settings = yaml.safe_load((folder / "report.yaml").read_text(encoding="utf-8"))["settings"]
    assert settings["strict"] is False
    assert settings["deviations"][0]["used"] == 240


def test_figures_that_are_no_json_numbers_are_left_out(tmp_path: Path) -> None:
    from dataclasses import replace

    first = judgements()[0]
    assert first.measured is not None
    odd = replace(first, measured=replace(first.measured, low=float("-inf"), high=float("nan"), samples=0))
    folder = run_folder(tmp_path, (odd, *judgements()[1:]), stories=brief())
    reports.write(stored(folder, CATALOGUE))
    report = yaml.safe_load((folder / "report.yaml").read_text(encoding="utf-8"))
    assert entry(report, "CON-001")["measured"] == {"value": 8, "unit": "pods"}


def test_a_run_whose_cluster_never_opened_still_has_a_valid_report(tmp_path: Path) -> None:
    import json
    import shutil

    unrun = tuple(Judgement(item.id, Verdict.SKIPPED, item.scenario, notes="not run") for item in CATALOGUE)
    folder = run_folder(tmp_path, unrun, stories=brief())
    shutil.rmtree(folder / "recording")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run.update(environment={}, scenarios=[])
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    reports.write(stored(folder, CATALOGUE))
    report = yaml.safe_load((folder / "report.yaml").read_text(encoding="utf-8"))
    assert report["validity"][0]["code"] == "NOTHING_RECORDED"
    assert report["profiles"][0]["core"]["result"] == "partial"


def test_a_scenario_whose_name_leads_elsewhere_is_not_reported(tmp_path: Path) -> None:
    judged = stored(run_folder(tmp_path, stories=brief()), CATALOGUE)
    strange = replace(judged.run, scenarios=(replace(judged.run.scenarios[0], name="../outside"),))
    with pytest.raises(HarnessError, match=r"run\.json: scenario '\.\./outside' .* is no plain name"):
        reports.write(replace(judged, run=strange))
