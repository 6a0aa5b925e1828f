"""What each load of a run came to, beside its recording."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.rows import ROW_BYTES, Row, RowError
from conformance.recording.writer import Header
from reports.load_overviews import FOLDER, sound, write_overviews
from tests.load.making import answered, failed

HEADER = Header(
    scenario="steady", run="r", seed=1, clock="real", origin_monotonic=0.0, origin_wall=0.0, suite_version="0",
    provider="existing", scenario_spec={},
)  # fmt: skip


def record(run: Path, scenario: str, rows: list[Row], *, index: int = 0) -> Path:
    folder = run / "recording" / scenario
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recording.json").write_text(json.dumps(asdict(HEADER)))
    writer = RowWriter(LoadPaths.of(folder, index), threaded=False)
    writer.line({"plan": {"start": 10.0, "phases": [{"shape": "constant", "seconds": 2.0, "rate": 2.0}]}, "engine": {}})
    assert writer.pod(b"pod-a") == 1
    writer.rows += [row.pack() for row in rows]
    writer.line({"summary": {"scheduled": 4, "sent": 3, "causes": {"dropped: max_in_flight": 1}}})
    writer.close()
    return folder


def write(run: Path) -> dict[str, list[tuple[str, str]]]:
    """Those of all recordings that can be read."""
    loads = {}
    for folder in (run / "recording").iterdir():
        with suppress(UnreadableRecordingError):
            loads[folder.name] = Recording(folder).loads()
    return write_overviews(run, loads)


def test_every_load_of_every_scenario_has_a_summary_and_histograms(tmp_path: Path) -> None:
    rows = [answered(10.0 + number * 0.5, 0.1, pod=1) for number in range(3)] + [failed(11.5, RowError.DROPPED)]
    record(tmp_path, "steady", rows)
    record(tmp_path, "other", rows, index=1)
    summaries = write(tmp_path)
    written = sorted(path.relative_to(tmp_path / FOLDER).as_posix() for path in (tmp_path / FOLDER).rglob("*.*"))
    assert written == [
        "other/load-1.histograms.json", "other/load-1.json", "other/load-1.txt",
        "steady/load-0.histograms.json", "steady/load-0.json", "steady/load-0.txt",
    ]  # fmt: skip
    text = (tmp_path / FOLDER / "steady" / "load-0.txt").read_text()
    assert text.startswith("Summary:\n")
    assert summaries["steady"] == [("load-0", text)]
    assert "  [200]\t3 responses" in text
    assert "  [1]\tdropped: max_in_flight" in text
    assert "OFFERED_LOAD_RATIO: 0.75" in text
    figures = json.loads((tmp_path / FOLDER / "steady" / "load-0.json").read_text())
    assert (figures["answered"], figures["dropped"]) == (3, 1)
    (entry,) = json.loads((tmp_path / FOLDER / "steady" / "load-0.histograms.json").read_text())
    assert (entry["phase"], entry["pod"], entry["kind"], entry["count"]) == (0, "pod-a", "2xx", 3)
    assert HdrHistogram.decode(entry["hdr"]).get_value_at_percentile(50) == 100_031


def test_writing_them_again_changes_nothing(tmp_path: Path) -> None:
    record(tmp_path, "steady", [answered(10.0, 0.1, pod=1)])
    write(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / FOLDER).rglob("*.*")}
    write(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / FOLDER).rglob("*.*")} == before


def test_a_recording_that_cannot_be_read_leaves_the_others_their_files(tmp_path: Path) -> None:
    record(tmp_path, "steady", [answered(10.0, 0.1)])
    (record(tmp_path, "broken", []) / "recording.json").write_text("{")
    (record(tmp_path, "planless", []) / "load-0.jsonl").write_text('{"plan": {"phases": [1], "start": "now"}}\n')
    write(tmp_path)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["steady"]


@given(st.lists(st.binary(min_size=ROW_BYTES, max_size=ROW_BYTES), max_size=20))
def test_rows_of_strangers_make_no_nonsense(tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]) -> None:
    run = tmp_path_factory.mktemp("run")
    folder = record(run, "steady", [answered(10.0, 0.1)])
    with (folder / "load-0.rows").open("ab") as file:
        file.write(b"".join(rows))
    write(run)
    json.loads((run / FOLDER / "steady" / "load-0.json").read_text(), parse_constant=_refuse)


def test_what_was_never_sent_is_sound_and_an_answer_without_times_is_not(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    wrong = Row(10.0, math.nan, math.nan, 11.0, status=200)
    path.write_bytes(failed(10.0, RowError.DROPPED).pack() + wrong.pack() + answered(10.0, 0.1).pack())
    (rows,) = sound(path)
    assert list(rows["error"]) == [RowError.DROPPED, RowError.NONE]


def _refuse(word: str) -> float:
    raise AssertionError(f"{word} is no figure")
