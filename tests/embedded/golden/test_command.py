"""`conformance golden` from outside."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import Exit
from conformance.cli.entry import invoke

GOLDEN = Path(__file__).parents[3] / "fixtures" / "golden"


def run(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, list[str], str]:
    code = invoke(["golden", *map(str, paths)])
    out, err = capsys.readouterr()
    return code, out.splitlines(), err


def altered(tmp_path: Path, source: str, **changes: Any) -> Path:
    """A copy of a golden file, under a name that tells nothing, with other content."""
    content = json.loads((GOLDEN / source).read_text())
    content.update(changes)
    path = tmp_path / "renamed.json"
    path.write_text(json.dumps(content))
    return path


def test_a_faithful_replay_ends_with_the_sums_and_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = run(capsys, GOLDEN / "tables" / "sample_size.json", GOLDEN / "traces" / "tbc_7.json")
    assert code == 0
    assert len(lines) == 1
    assert lines[0].endswith(" decisions, 0 mismatches")


def test_each_mismatch_is_one_line_with_all_it_takes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = altered(tmp_path, "tables/sample_size.json", rows=[[4, 4], [5, 5], [6, 6]])
    code, lines, _ = run(capsys, path)
    assert code == 1
    assert lines == [
        f"{path}: row 2: sample: expected 5, got 4",
        f"{path}: row 3: sample: expected 6, got 5",
        "3 decisions, 2 mismatches",
    ]


def test_a_wrong_tick_is_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ticks = json.loads((GOLDEN / "traces/tbc_7.json").read_text())["ticks"]
    ticks[3][4] += 1
    path = altered(tmp_path, "traces/tbc_7.json", ticks=ticks)
    code, lines, _ = run(capsys, path)
    assert code == 1
    assert lines[0] == f"{path}: tick {ticks[3][0]}: desired: expected {ticks[3][4]}, got {ticks[3][4] - 1}"
    assert len(lines) == 2


def test_a_wrong_second_of_a_loop_is_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = json.loads((GOLDEN / "loops/max_2.json").read_text())["rows"]
    rows[10][3] += 1
    code, lines, _ = run(capsys, altered(tmp_path, "loops/max_2.json", rows=rows))
    assert code == 1
    assert ": second 11: replicas: expected " in lines[0]


def test_a_missing_tick_of_a_loop_is_found(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ticks = json.loads((GOLDEN / "loops/max_2.json").read_text())["ticks"]
    code, lines, _ = run(capsys, altered(tmp_path, "loops/max_2.json", ticks=ticks[:-1]))
    assert code == 1
    assert lines[0].endswith(f": t: expected null, got {ticks[-1][0]}")


def test_columns_may_come_in_any_order(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = json.loads((GOLDEN / "tables/num_activators.json").read_text())
    path = altered(
        tmp_path,
        "tables/num_activators.json",
        cols=table["cols"][::-1],
        rows=[row[::-1] for row in table["rows"]],
        name="anything",
    )
    assert run(capsys, path)[0] == 0


def test_a_directory_is_searched_and_lists_in_it_are_no_recordings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "deep").mkdir()
    shutil.copy(GOLDEN / "tables" / "clamp.json", tmp_path / "deep")
    (tmp_path / "index.json").write_text('[{"file": "deep/clamp.json"}]')
    (tmp_path / "README.md").write_text("no recording")
    code, lines, _ = run(capsys, tmp_path)
    assert (code, lines) == (0, ["624 decisions, 0 mismatches"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "not a golden file"),
        ("3", "not a golden file"),
        ("{}", "not a golden file"),
        ('{"cols": ["pods", "samples"], "rows": []}', "no rule has the columns 'pods samples'; did you mean"),
        ('{"sequences": []}', "no rule for its sequences"),
        ('{"ticks": [[1]]}', "cannot be replayed"),
        ('{"cols": ["pods", "sample"], "rows": [[1]]}', "cannot be replayed"),
        ('{"cols": ["pods", "sample"], "rows": [["x", 1]]}', "cannot be replayed"),
        ('{"row_cols": [], "ticks": null, "rows": 3}', "cannot be replayed"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_named_with_what_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str, words: str
) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    code, lines, err = run(capsys, path)
    assert code == 64
    assert lines == []
    assert str(path) in err
    assert words in err
    assert "Traceback" not in err


def test_recorded_interactions_are_left_out_and_counted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "tables" / "clamp.json", tmp_path)
    asked = {"request": {"method": "GET", "path": "/version"}, "response": {"status": 200, "body": {}}}
    (tmp_path / "version.json").write_text(json.dumps(asked))
    code, lines, err = run(capsys, tmp_path)
    assert (code, lines) == (0, ["624 decisions, 0 mismatches"])
    assert err == "1 files of recorded API interactions left out: they hold no decisions\n"
    assert run(capsys, tmp_path / "version.json")[0] == Exit.USAGE


def test_a_path_that_holds_nothing_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, tmp_path)[0] == 64
    assert run(capsys, tmp_path / "nowhere")[0] == 64
    assert run(capsys)[0] == 64
    (tmp_path / "index.json").write_text('[{"file": "x.json"}]')
    assert run(capsys, tmp_path)[0] == 64
