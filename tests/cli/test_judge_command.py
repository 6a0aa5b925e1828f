"""Judging a stored run again: its lines, its bytes, its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.base.errors import Exit
from conformance.cli.entry import invoke
from tests.reports.folders import run_folder, stairway


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    story = stairway(pods=4, load_seconds=10.0, leaving=34.0)
    return run_folder(tmp_path, (), stories=(story,), features=())


def judge(path: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        invoke(["judge", str(path), *options])
    return int(ended.value.code or 0)


def test_the_last_line_counts_and_the_exit_code_follows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = judge(folder)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split(":")[0].endswith(" requirements")
    assert code == (Exit.FAILURE if " FAIL" in lines[-1] else Exit.INCONCLUSIVE)
    assert not [line for line in lines[:-1] if " SKIPPED " in line]
    judge(folder, "--all")
    everything = capsys.readouterr().out.splitlines()
    assert everything[-1] == lines[-1]
    assert len(everything) > len(lines)


def test_judging_again_writes_the_same_bytes(folder: Path) -> None:
    judge(folder)
    first = (folder / "judgements.json").read_bytes()
    judge(folder)
    assert (folder / "judgements.json").read_bytes() == first != b"[\n\n]\n"


def test_drifts_are_told_before_the_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge(folder, "--drift")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("document drift in target-concurrency: the page says ")


@pytest.mark.parametrize("text", ["{", "[]", '{"id": 1}'])
def test_what_is_no_run_is_the_users_to_correct(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.json").write_text(text, encoding="utf-8")
    assert invoke(["judge", str(folder)]) == Exit.USAGE
    assert f"{folder}: cannot be judged: " in capsys.readouterr().err
