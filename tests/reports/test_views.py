"""JUnit, Markdown, Allure results, plots and the manifest of a run with one of every verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import reports
from conformance.judge.judged_run import stored
from reports import manifest
from reports.canonical import file_digest
from tests.reports.folders import CATALOGUE


def results(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "allure-results").glob("*-result.json")]
    return {entry["name"].split()[0]: entry for entry in found}


def test_junit_counts_what_was_not_decided_as_errors(written: Path) -> None:
    root = ElementTree.parse(written / "junit.xml").getroot()
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "1", "errors": "2", "skipped": "2",
    }  # fmt: skip
    cases = {case.get("name", "").split()[0]: case for case in root.iter("testcase")}
    tags = {name: [child.tag for child in case if child.tag != "properties"] for name, case in cases.items()}
    assert tags == {
        "CON-001": [], "CON-002": [], "LIM-001": ["failure"], "MET-004": ["skipped"], "PAN-002": ["error"],
        "ZER-001": ["skipped"], "ZER-002": ["error"],
    }  # fmt: skip


def test_junit_states_how_long_a_scenario_really_took(written: Path) -> None:
    root = ElementTree.parse(written / "junit.xml").getroot()
    assert {float(case.get("time", "0")) for case in root.iter("testcase")} == {151.0}
    assert float(root.get("time", "0")) == 160.0


def test_markdown_lets_no_markup_through(written: Path) -> None:
    text = (written / "summary.md").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<its>" not in text
    assert text.index("LIM-001") < text.index("CON-001")


def test_the_readme_says_what_was_not_decided_and_what_limited_it(written: Path) -> None:
    _, _, section = (written / "README.md").read_text(encoding="utf-8").partition("## Not decided\n")
    section, found, _ = section.partition("## Reproduce\n")
    assert found
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == ["| PAN-002", "| ZER-002"]
    assert all("limit" in row[2] for row in rows)


def test_allure_results_carry_the_steps_of_their_own_scenario(written: Path) -> None:
    found = results(written)
    assert {name: entry["status"] for name, entry in found.items()} == {
        "CON-001": "passed", "CON-002": "passed", "LIM-001": "failed", "MET-004": "skipped", "PAN-002": "broken",
        "ZER-001": "skipped", "ZER-002": "broken",
    }  # fmt: skip
    steps = found["LIM-001"]["steps"]
    assert [step["name"] for step in steps] == ["deploy", "settle", "load", "quiet"]
    assert [step["stop"] - step["start"] for step in steps[:3]] == [8800, 11000, 30000]
    sources = [entry["source"] for entry in found["LIM-001"]["attachments"]]
    assert all((written / "allure-results" / name).is_file() for name in sources)
    assert found["PAN-002"]["statusDetails"]["message"].startswith("INCONCLUSIVE")


def test_the_manifest_holds_every_file_but_those_that_speak_of_it(written: Path) -> None:
    listed = {entry.path: entry for entry in manifest.read((written / "manifest.json").read_bytes())}
    there = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    assert there - listed.keys() == {"manifest.json", "report.yaml", "README.md"}
    assert all(file_digest(written / name) == entry.digest for name, entry in listed.items())


def test_writing_again_changes_nothing_but_allures_file_names(written: Path) -> None:
    def digests() -> dict[str, str]:
        entries = manifest.list_files(written)
        return {entry.path: entry.digest for entry in entries if not entry.path.startswith("allure-results/")}

    before = digests()
    reports.write(stored(written, CATALOGUE))
    assert digests() == before
    assert len(results(written)) == len(CATALOGUE)
