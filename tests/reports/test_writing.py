"""Reports come from the judged run alone; what was parsed once is not read again."""

from __future__ import annotations

from pathlib import Path

import reports
from conformance.judge.judged_run import store
from conformance.judge.judging import judge_run
from tests.reports.folders import run_folder, stairway

VIEWS = ("report.html", "junit.xml", "summary.md", "plots/target-concurrency.svg", "load/target-concurrency/load-0.txt")


def test_a_judged_run_is_reported_without_reading_its_files_again(tmp_path: Path) -> None:
    written = {}
    for kept in (True, False):
        story = stairway(pods=4, load_seconds=10.0, leaving=34.0)
        folder = run_folder(tmp_path / str(kept), (), stories=(story,), features=())
        judged = judge_run(folder)
        store(judged)
        if not kept:
            for name in ("run.json", "judgements.json", "recording/target-concurrency/recording.json"):
                (folder / name).unlink()
            for name in ("facts.jsonl", "load-0.jsonl"):
                (folder / "recording" / "target-concurrency" / name).unlink()
        reports.write(judged)
        written[kept] = {name: (folder / name).read_bytes() for name in VIEWS}
    assert written[True] == written[False]
