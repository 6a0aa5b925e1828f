"""A platform may call its pods what it likes and say what it likes: no page, terminal or file system obeys it."""

from __future__ import annotations

import xml.etree.ElementTree
from pathlib import Path

import pytest

import reports
from conformance.cli.verdict_table import verdict_table
from conformance.judge.judged_run import store, stored
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_run
from conformance.judge.requirements import catalogue
from conformance.judge.serial import load
from conformance.judge.verdict_text import counted
from conformance.recording.facts import FactKind
from tests.reliability.evil import EVIL, EvilProvider
from tests.reliability.matrix import TELLTALE, meet_platform
from tests.reports.folders import run_folder, stairway


def test_hostile_names_and_messages_stay_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = stairway(pods=2, load_seconds=10.0, leaving=34.0)
    story.pods = [EVIL + name for name in story.pods]
    for t, kind, body in list(story.facts):
        if kind is FactKind.POD:
            story.facts.append((t, kind, {**body, "name": EVIL + str(body["name"]), "message": EVIL, "node": EVIL}))
    story.tell(
        25.0, FactKind.EVENT, kind="Pod", name=EVIL, reason=EVIL, message=EVIL, type="Warning", count=1, wall=None
    )
    story.tell(25.0, FactKind.NOTE, level="warning", text=EVIL)
    story.tell(25.0, FactKind.GAP, **{"kind": EVIL, "from": 1.0, "to": 25.0, "reason": EVIL})
    folder = run_folder(tmp_path / "runs", (), stories=(story,), features=())
    store(judge_run(folder))
    assert_harmless(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert_quiet(folder, capsys)


@pytest.mark.parametrize("part", ["objects", "answers"])
def test_a_run_on_a_hostile_platform_ends_and_its_reports_stay_text(
    part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs" / "run"
    outcome = meet_platform(
        lambda clock: EvilProvider(clock, objects=part == "objects", answers=part == "answers"), folder
    )
    assert outcome.ended in ("complete", "failed")
    assert outcome.of(Verdict.ERROR) == []
    assert {name for name in outcome.of(Verdict.FAIL) if name in TELLTALE} == set()
    assert not [path for path in folder.rglob("*.names") if b"\x1b" in path.read_bytes()]
    store(judge_run(folder))
    assert_harmless(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert_quiet(folder, capsys)


def assert_harmless(folder: Path) -> None:
    """Every view of a run shows what the platform said, and none does what it says."""
    reports.write(stored(folder))
    assert [path for path in folder.rglob("*") if "evil" in path.name] == []
    page = (folder / "report.html").read_text(encoding="utf-8")
    for word in ("<script>alert", "<img src=x", "\x1b"):
        assert word not in page
    for path in folder.rglob("*.xml"):
        xml.etree.ElementTree.fromstring(path.read_text(encoding="utf-8"))
    for path in folder.rglob("*"):
        if path.suffix in (".xml", ".json", ".jsonl", ".yaml", ".md", ".html", ".log"):
            assert "\x1b" not in path.read_text(encoding="utf-8"), path
        if path.suffix == ".md":
            assert "<script>" not in path.read_text(encoding="utf-8"), path


def assert_quiet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed of a run moves no cursor and turns no text around."""
    judgements = load((folder / "judgements.json").read_bytes())
    capsys.readouterr()
    chosen = {entry.id: entry for entry in catalogue()}
    table = verdict_table([entry for entry in judgements if entry.requirement in chosen], chosen, full=True)
    print(*table, sep="\n")
    print(counted(judgements))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
