"""The writer: whole rows, names before the rows that use them, nothing lost at the end."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.load import row_writer as writers
from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.recording.rows import Row
from tests.load.offering import read_rows


@pytest.mark.parametrize("threaded", [True, False])
def test_what_is_appended_is_on_disk_after_closing(tmp_path: Path, threaded: bool) -> None:
    paths = LoadPaths.of(tmp_path / "new", 3)
    writer = RowWriter(paths, threaded=threaded)
    for number in range(20_000):
        writer.rows.append(Row(float(number), pod=writer.pod(b"pod-%d" % (number % 3))).pack())
        if number % 7000 == 0:
            writer.flush()
    writer.line({"t": 1})
    assert writer.count == 20_000
    writer.close()
    assert [row.scheduled for row in read_rows(paths.rows)] == [float(number) for number in range(20_000)]
    assert paths.names.read_text().splitlines() == ["pod-0", "pod-1", "pod-2"]
    assert json.loads(paths.lines.read_text()) == {"t": 1}


def test_a_flush_frees_the_rows_and_keeps_the_count(tmp_path: Path) -> None:
    writer = RowWriter(LoadPaths.of(tmp_path, 1), threaded=False)
    writer.rows.append(Row(0.0).pack())
    writer.flush()
    assert writer.rows == []
    assert writer.count == 1
    writer.close()


def test_a_pod_name_cannot_break_the_list_of_names(tmp_path: Path) -> None:
    paths = LoadPaths.of(tmp_path, 1)
    writer = RowWriter(paths, threaded=False)
    assert [writer.pod(b"a\nb"), writer.pod(b"c"), writer.pod(b"a\nb"), writer.pod(b"")] == [1, 2, 1, 0]
    writer.close()
    assert len(paths.names.read_text().splitlines()) == 2


def test_a_load_is_never_written_over_another(tmp_path: Path) -> None:
    RowWriter(LoadPaths.of(tmp_path, 1), threaded=False).close()
    with pytest.raises(FileExistsError):
        RowWriter(LoadPaths.of(tmp_path, 1), threaded=False)


@pytest.fixture
def stuck_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that takes nothing until the event is set."""
    freed, write = threading.Event(), os.write

    def slow(fd: int, data: bytes) -> int:
        if threading.current_thread().name == "writer":
            freed.wait()
        return write(fd, data)

    monkeypatch.setattr(os, "write", slow)
    yield freed
    freed.set()
    for thread in threading.enumerate():
        if thread.name == "writer":
            thread.join()


def test_a_stuck_disk_costs_no_memory_without_end(
    tmp_path: Path, stuck_disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "MOST_WAITING_BYTES", 10_000)
    paths = LoadPaths.of(tmp_path, 1)
    writer = RowWriter(paths, threaded=True)
    for number in range(1000):
        writer.rows.append(Row(float(number)).pack())
        writer.flush()
    stuck_disk.set()
    with pytest.raises(OSError, match="the disk does not keep up: 10008 bytes wait"):
        writer.close()
    assert writer.count == 1000
    assert paths.rows.stat().st_size <= 10_100


def test_a_disk_that_stays_stuck_does_not_hold_the_end_of_a_load(
    tmp_path: Path, stuck_disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "MOST_WAITING_SECONDS", 0.05)
    paths = LoadPaths.of(tmp_path, 1)
    writer = RowWriter(paths, threaded=True)
    writer.rows.append(Row(0.0).pack())
    with pytest.raises(OSError, match="the disk does not keep up: 72 bytes wait"):
        writer.close()
    assert not stuck_disk.is_set()
    assert paths.rows.stat().st_size == 0
