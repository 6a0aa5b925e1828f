"""A platform may call its pods what it likes and say what it likes: no page, terminal or file system obeys it."""

from __future__ import annotations

import xml.etree.ElementTree
from pathlib import Path

import pytest

import reports
from conformance.judge.judging import judge_and_store
from conformance.judge.summary import closing, lines
from conformance.recording.facts import Kind
from conformance.requirement import catalogue
from conformance.session import show
from tests.reports.folders import run_folder, stairway

EVIL = "../../../evil</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\x1b]0;owned\x07\u202e"
"""Leads out of a folder, closes an element, drives a terminal, turns text around."""


def test_hostile_names_and_messages_stay_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = stairway(pods=2, load_seconds=10.0, leaving=34.0)
    story.pods = [EVIL + name for name in story.pods]
    for t, kind, body in list(story.facts):
        if kind is Kind.POD:
            story.facts.append((t, kind, {**body, "name": EVIL + str(body["name"]), "message": EVIL, "node": EVIL}))
    story.tell(25.0, Kind.EVENT, kind="Pod", name=EVIL, reason=EVIL, message=EVIL, type="Warning", count=1, wall=None)
    story.tell(25.0, Kind.NOTE, level="warning", text=EVIL)
    story.tell(25.0, Kind.GAP, **{"kind": EVIL, "from": 1.0, "to": 25.0, "reason": EVIL})
    folder = run_folder(tmp_path / "runs", (), stories=(story,), features=())
    judgements = judge_and_store(folder)
    reports.write(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert [path for path in folder.rglob("*") if "evil" in path.name] == []
    page = (folder / "report.html").read_text(encoding="utf-8")
    for word in ("<script>alert", "<img src=x", "\x1b"):
        assert word not in page
    for path in folder.rglob("*.xml"):
        xml.etree.ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert "\x1b" not in path.read_text(encoding="utf-8")
    for name in ("summary.md", "README.md"):
        if (folder / name).is_file():
            assert "\x1b" not in (folder / name).read_text(encoding="utf-8")
            assert "<script>" not in (folder / name).read_text(encoding="utf-8")
    chosen = {entry.id: entry for entry in catalogue()}
    show([entry for entry in judgements if entry.requirement in chosen], chosen)
    print(*lines(judgements, show_all=True), closing(judgements), sep="\n")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
