"""One shard in a pod of an Indexed Job: reads its job, waits for the common start, runs the engine, and then prints
what it recorded, a line at a time, for `kubectl logs` or the collector.

Rows are printed after the load, not during it: compressing them would take time from the engine. A shard that dies
therefore leaves none, and is counted as lost.

    {"hello": {"shard", "wall"}}      once a second, before and during the load; `wall` is this node's clock
    {"late": {"shard", "seconds"}}    the start had passed: nothing was sent
    {"progress": {...}}               once a second of the load
    {"line": {...}} {"names": [...]} {"rows": base64 of zlib of rows} {"histograms": [...]}
    {"end": {"rows": count, "offered": {...}}}     times count from the recording's origin
    {"error": text}
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from conformance.load.child_main import LineWriter, engine_for
from conformance.load.generator import LoadProgress, LoadResult
from conformance.load.load_errors import LoadError
from conformance.load.load_job import LoadJob
from conformance.load.realtime import sharpen_timers
from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.recording.rows import ROW_BYTES

ROWS_PER_LINE: Final = 250
"""Keeps a line below the 16 KiB at which container runtimes break lines."""
READY_SECONDS: Final = 1.5
"""Before the start: when to stop saying hello and open connections."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One shard's job on this machine's clocks."""

    job: LoadJob
    start_wall: float

    @classmethod
    def read(cls, path: Path, shard: int, shards: int, folder: str) -> Assignment:
        """Turn the common wall clock moments into this machine's monotonic ones. Raises ValueError."""
        value = json.loads(path.read_bytes())
        job = LoadJob.parse(json.dumps(value["order"]).encode())
        offset = time.monotonic() - time.time()
        target = job.target
        if target.ca_file:
            target = replace(target, ca_file=str(path.parent / target.ca_file))
        plan = replace(job.plan, max_in_flight=max(1, job.plan.max_in_flight // shards))
        job = replace(
            job,
            plan=plan,
            target=target,
            folder=folder,
            shard=shard,
            shards=shards,
            origin=value["origin_wall"] + offset,
            at=value["start_wall"] + offset,
        )
        return cls(job, float(value["start_wall"]))


def run(assignment: Assignment, lines: LineWriter) -> None:
    """Wait, offer, print."""
    job = assignment.job
    while (left := assignment.start_wall - time.time()) > READY_SECONDS:
        lines.write({"hello": {"shard": job.shard, "wall": time.time()}})
        time.sleep(min(1.0, left - READY_SECONDS))
    if left < 0:
        lines.write({"late": {"shard": job.shard, "seconds": round(-left, 3)}})
        return

    def progress(now: LoadProgress) -> None:
        lines.write({"hello": {"shard": job.shard, "wall": time.time()}, "progress": asdict(now)})

    paths = LoadPaths.of(Path(job.folder), job.index, job.shard)
    writer = RowWriter(paths, threaded=True)
    try:
        engine = engine_for(replace(job, priority="normal"), writer, progress)
        sharpen_timers()
        engine.prepare()
        offered = engine.run(job.at)
    finally:
        writer.close()
    since_origin = replace(offered, start=offered.start - job.origin, end=offered.end - job.origin)
    for entry in printed(paths, since_origin):
        lines.write(entry)


def printed(paths: LoadPaths, offered: LoadResult) -> Iterator[dict[str, Any]]:
    """A shard's files as lines."""
    from conformance.load.histograms import build
    from conformance.load.load_summary import read_chunks

    names = paths.names.read_text(encoding="utf-8").splitlines()
    for line in paths.lines.read_text(encoding="utf-8").splitlines():
        yield {"line": json.loads(line)}
    yield {"names": names}
    count = 0
    with paths.rows.open("rb") as file:
        while data := file.read(ROWS_PER_LINE * ROW_BYTES):
            count += len(data) // ROW_BYTES
            yield {"rows": base64.b64encode(zlib.compress(data)).decode()}
    yield {"histograms": [asdict(entry) for entry in build(read_chunks(paths.rows), names)]}
    yield {"end": {"rows": count, "offered": asdict(offered)}}


def main() -> int:
    """Exit status 1 when the job could not be carried out or came too late."""
    lines = LineWriter(1)
    shard, shards = int(os.environ["JOB_COMPLETION_INDEX"]), int(os.environ["CONFORMANCE_LOAD_SHARDS"])
    code = 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(Assignment.read(Path(sys.argv[1]), shard, shards, folder), lines)
    except (LoadError, OSError, ValueError, KeyError) as error:
        lines.write({"error": f"{type(error).__name__}: {error}"})
        code = 1
    lines.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
