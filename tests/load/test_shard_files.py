"""Merging shards: one order, one list of pods, whole totals, whatever is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.load.shard_files import merge
from conformance.recording.rows import Row
from tests.load.making import answered
from tests.load.offering import read_rows
from tests.load.test_generator_findings import CALM


def write(paths: LoadPaths, rows: list[tuple[Row, bytes]], lines: list[dict[str, Any]]) -> None:
    writer = RowWriter(paths, threaded=False)
    writer.line({"plan": {"start": 1.0}, "engine": {"name": "epoll", "shards": 2}})
    for row, pod in rows:
        values = {name: getattr(row, name) for name in row.__dataclass_fields__}
        writer.rows.append(Row(**{**values, "pod": writer.pod(pod)}).pack())
    for line in lines:
        writer.line(line)
    writer.close()


def end(**changes: Any) -> dict[str, Any]:
    return {
        "summary": {
            "start": 1.0,
            "end": 9.0,
            "stopped": False,
            **CALM,
            "peak_in_flight": 4,
            "causes": {"reset": 1},
            **changes,
        }
    }


def test_rows_are_in_the_order_of_completion_and_know_their_pods(tmp_path: Path) -> None:
    shards = [LoadPaths.of(tmp_path, 1, shard) for shard in (0, 1)]
    write(shards[0], [(answered(1.0, 0.5), b"a"), (answered(3.0, 0.5), b"b")], [])
    write(shards[1], [(answered(2.0, 0.5), b"b"), (answered(2.5, 2.0), b"c")], [])
    whole = LoadPaths.of(tmp_path, 1)
    merge(shards, whole)
    names = whole.names.read_text().splitlines()
    rows = read_rows(whole.rows)
    assert [row.scheduled for row in rows] == [1.0, 2.0, 3.0, 2.5]
    assert [names[row.pod - 1] for row in rows] == ["a", "b", "b", "c"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["load-1.jsonl", "load-1.names", "load-1.rows"]


def test_seconds_add_counts_and_keep_the_worst_lag(tmp_path: Path) -> None:
    shards = [LoadPaths.of(tmp_path, 1, shard) for shard in (0, 1)]
    write(shards[0], [], [{"t": 2.0, **CALM, "lag_p99_seconds": 0.5}, {"t": 3.0, **CALM}, end()])
    write(shards[1], [], [{"t": 2.1, **CALM, "sent": 40}, end(end=11.0)])
    whole = LoadPaths.of(tmp_path, 1)
    merge(shards, whole)
    lines = [json.loads(line) for line in whole.lines.read_text().splitlines()]
    assert lines[0]["engine"] == {"name": "epoll", "shards": 2, "lost": 0}
    assert [line["sent"] for line in lines[1:3]] == [140, 140]
    assert [line["cpu_share"] for line in lines[1:3]] == [0.2, 0.1]
    assert lines[1]["lag_p99_seconds"] == 0.5
    assert lines[3]["summary"]["end"] == 11.0
    assert lines[3]["summary"]["sent"] == 200
    assert lines[3]["summary"]["causes"] == {"reset": 2}


def test_a_shard_that_died_leaves_what_it_wrote_and_is_counted(tmp_path: Path) -> None:
    shards = [LoadPaths.of(tmp_path, 1, shard) for shard in (0, 1, 2)]
    write(shards[0], [(answered(1.0, 0.5), b"a")], [end()])
    write(shards[1], [(answered(2.0, 0.5), b"b")], [])
    shards[1].rows.write_bytes(shards[1].rows.read_bytes() + b"torn")
    shards[1].names.write_bytes(b"")
    whole = LoadPaths.of(tmp_path, 1)
    merge(shards, whole, lost=2)
    assert [row.pod for row in read_rows(whole.rows)] == [1, 0]
    summary = json.loads(whole.lines.read_text().splitlines()[-1])["summary"]
    assert summary["lost"] == 2
