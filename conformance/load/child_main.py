"""The load engine's own process: reads one job from its standard input, then lines of progress go to its output.

A process of its own because the harness parses JSON and draws progress in its event loop; sharing that loop or its
interpreter lock makes arrivals 20 ms late where this makes them 1 ms late. The end of standard input means: stop
sending.

    job       {"plan", "target", "folder", "index", "shard", "shards", "origin", "at", "priority"}
    start     a monotonic clock reading; only asked for by one of several shards whose job names none
    answers   {"ready": true} {"progress": {...}} ... and last {"offered": {...}} or {"error": text, "kind": class}
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from conformance.load.generator import LoadProgress, OnLoadProgress
from conformance.load.load_errors import LoadError
from conformance.load.load_job import NO_STOP_FD, Engine, LoadJob
from conformance.load.realtime import REALTIME, has_timerfd, own_core, raise_priority, sharpen_timers
from conformance.load.row_writer import LoadPaths, RowWriter


class LineWriter:
    """Writes lines to a descriptor from a thread, so that a parent that does not read never stops the load."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="line writer", daemon=True)
        self._thread.start()

    def write(self, value: dict[str, Any]) -> None:
        """Write one object as a line."""
        self._lines.put(json.dumps(value).encode() + b"\n")

    def close(self) -> None:
        """Wait until all is written, or nobody reads any more."""
        self._lines.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (line := self._lines.get()) is not None:
                os.write(self._fd, line)
        except BrokenPipeError:
            pass


def read_line(fd: int) -> bytes:
    """One line, without buffering what comes after it."""
    parts: list[bytes] = []
    while not parts or not parts[-1].endswith(b"\n"):
        part = os.read(fd, 1 << 16)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def engine_for(
    job: LoadJob, writer: RowWriter, progress: OnLoadProgress | None = None, *, stop_fd: int = NO_STOP_FD
) -> Engine:
    """epoll and timerfd where there are any, asyncio elsewhere. `job.priority` is what the scheduler has granted;
    `stop_fd` ends the load when it becomes readable: a word, or the end of a pipe."""
    if has_timerfd():
        from conformance.load.epoll_engine import EpollEngine

        return EpollEngine(job, writer, progress, stop_fd=stop_fd)
    from conformance.load.asyncio_engine import AsyncioEngine

    return AsyncioEngine(job, writer, progress, stop_fd=stop_fd)


def _start(job: LoadJob, stop_fd: int) -> float | None:
    """One of several shards waits to be told the common start."""
    if job.shards == 1 or job.at is not None:
        return job.at
    line = read_line(stop_fd)
    if not line:
        raise ValueError("told to stop before the start")
    return float(line)


def serve(job: LoadJob, lines: LineWriter, stop_fd: int) -> None:
    """Carry out one job."""

    def progress(now: LoadProgress) -> None:
        lines.write({"progress": asdict(now)})

    writer = RowWriter(LoadPaths.of(Path(job.folder), job.index, job.shard if job.shards > 1 else None), threaded=True)
    job = replace(job, priority=raise_priority(job.priority))
    core = own_core(job.shard) if job.priority == REALTIME else contextlib.nullcontext()
    try:
        engine = engine_for(job, writer, progress, stop_fd=stop_fd)
        # Rows and connections make no cycles; a collector that walks them only makes arrivals late.
        gc.collect()
        gc.freeze()
        gc.disable()
        sharpen_timers()
        with core:
            engine.prepare()
            lines.write({"ready": True})
            offered = engine.run(_start(job, stop_fd))
    finally:
        writer.close()
    lines.write({"offered": asdict(offered)})


def main() -> int:
    """Exit status 0 also when the job could not be carried out: the answer says why."""
    lines = LineWriter(1)
    try:
        serve(LoadJob.parse(read_line(0)), lines, 0)
    except (LoadError, OSError, ValueError) as error:
        lines.write({"error": str(error), "kind": type(error).__name__})
    lines.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
