"""A recording survives crashes and strangers: whole lines and rows are read, torn ends left out, nonsense named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.base.clock import RealClock
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact, FactKind
from conformance.recording.pod_bodies import PodBody
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.rows import ROW_BYTES, Row, RowError
from conformance.recording.run_bodies import ConfigBody, NoteBody
from conformance.recording.shape import Json
from conformance.recording.writer import Header, Recorder


def header(**changes: object) -> Header:
    values = {
        "scenario": "s",
        "run": "20260101-0000-abcd",
        "seed": 1,
        "clock": "real",
        "origin_monotonic": 5.0,
        "origin_wall": 1.0,
        "suite_version": "0.1.0",
        "provider": "embedded",
        "scenario_spec": {},
        **changes,
    }
    return Header(**values)  # type: ignore[arg-type]


def record(folder: Path) -> Path:
    with Recorder(folder / "r", header(), RealClock()) as recorder:
        recorder.write(NoteBody("one", "info"))
        recorder.write(PodBody("pod-1", ChangeType.ADDED))
    return folder / "r"


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    recording = Recording(record(tmp_path))
    assert [fact.kind for fact in recording.facts()] == [FactKind.NOTE, FactKind.POD]
    assert [fact.body for fact in recording.facts()] == [NoteBody("one", "info"), PodBody("pod-1", ChangeType.ADDED)]
    assert recording.header.run == "20260101-0000-abcd"


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = record(tmp_path) / "facts.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    assert [fact.kind for fact in Recording(tmp_path / "r").facts()] == [FactKind.NOTE]


def test_a_broken_line_in_the_middle_is_named_by_its_number(tmp_path: Path) -> None:
    path = record(tmp_path) / "facts.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{}\n" + lines[1])
    with pytest.raises(UnreadableRecordingError, match=r"facts\.jsonl:2: "):
        list(Recording(tmp_path / "r").facts())


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = record(tmp_path) / "recording.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    with pytest.raises(UnreadableRecordingError, match="recording version 99, this suite reads 1"):
        Recording(tmp_path / "r")


def test_a_linked_file_is_not_followed(tmp_path: Path) -> None:
    folder = record(tmp_path)
    secret = tmp_path / "secret"
    secret.write_bytes((folder / "facts.jsonl").read_bytes())
    (folder / "facts.jsonl").unlink()
    (folder / "facts.jsonl").symlink_to(secret)
    assert list(Recording(folder).facts()) == []


def test_torn_rows_are_cut_to_whole_ones(tmp_path: Path) -> None:
    folder = record(tmp_path)
    rows = [Row(scheduled=1.0, sent=1.001, end=1.2, status=200, pod=1), Row(2.0, error=RowError.DROPPED)]
    (folder / "load-0.rows").write_bytes(b"".join(row.pack() for row in rows) + b"torn")
    (folder / "load-0.names").write_bytes(b"pod-1\npo")
    (load,) = Recording(folder).loads()
    assert load.count == 2
    assert [row.status for row in load.rows()] == [200, 0]
    assert load.names == ("pod-1",)


def test_a_row_is_as_wide_as_its_columns_say() -> None:
    assert len(Row(1.0).pack()) == ROW_BYTES


@given(st.floats(0, 1e6), st.integers(0, 599), st.sampled_from(RowError), st.integers(0, 2**32 - 1))
def test_a_row_comes_back_as_it_was(scheduled: float, status: int, error: RowError, number: int) -> None:
    row = Row(scheduled=scheduled, sent=0.5, first_byte=0.6, end=0.7, status=status, error=error, request=number)
    assert Row.unpack(row.pack()) == row


@given(st.text(), st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_a_fact_comes_back_as_it_was(source: str, data: dict[str, Json]) -> None:
    fact = Fact(1.25, 2.5, ConfigBody(source, data))
    assert Fact.parse(fact.line()) == fact
    assert fact.line() == Fact.parse(fact.line()).line()


@given(st.binary(max_size=200))
def test_nonsense_is_a_value_error_and_nothing_else(line: bytes) -> None:
    try:
        Fact.parse(line)
    except ValueError:
        return
