"""The load engine's own process: reads one order from its standard input, then lines of progress go to its output.

A process of its own because the harness parses JSON and draws progress in its event loop; sharing that loop or its
interpreter lock makes arrivals 20 ms late where this makes them 1 ms late. The end of standard input means: stop
sending.

    order     {"plan", "target", "folder", "index", "shard", "shards", "origin", "at", "priority"}
    start     a monotonic clock reading; only asked for by one of several shards whose order names none
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

from conformance.load.engine import engine_for
from conformance.load.errors import LoadError
from conformance.load.generator import Progress
from conformance.load.load_job import REALTIME, LoadJob
from conformance.load.own_core import own_core
from conformance.load.pacing import available, sharpen_timers
from conformance.load.row_writer import Paths, RowWriter

_ELEVATED_NICE = -10
_REALTIME = 10


class Teller:
    """Writes lines to a descriptor from a thread, so that a parent that does not read never stops the load."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="teller", daemon=True)
        self._thread.start()

    def tell(self, value: dict[str, Any]) -> None:
        """Say one thing."""
        self._lines.put(json.dumps(value).encode() + b"\n")

    def close(self) -> None:
        """Wait until all has been said, or nobody listens."""
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


def rise(priority: str) -> str:
    """Ask the scheduler for what the order wants; what it granted."""
    try:
        if priority == REALTIME and available():
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME))
            return REALTIME
        if priority in ("elevated", REALTIME):
            os.setpriority(os.PRIO_PROCESS, 0, _ELEVATED_NICE)
            return "elevated"
    except OSError:
        return "normal"
    return "normal"


def _start(order: LoadJob, stop_fd: int) -> float | None:
    """One of several shards waits to be told the common start."""
    if order.shards == 1 or order.at is not None:
        return order.at
    line = read_line(stop_fd)
    if not line:
        raise ValueError("told to stop before the start")
    return float(line)


def serve(order: LoadJob, teller: Teller, stop_fd: int) -> None:
    """Carry out one order."""

    def progress(now: Progress) -> None:
        teller.tell({"progress": asdict(now)})

    writer = RowWriter(
        Paths.of(Path(order.folder), order.index, order.shard if order.shards > 1 else None), threaded=True
    )
    order = replace(order, priority=rise(order.priority))
    core = own_core(order.shard) if order.priority == REALTIME else contextlib.nullcontext()
    try:
        engine = engine_for(order, writer, progress, stop_fd=stop_fd)
        # Rows and connections make no cycles; a collector that walks them only makes arrivals late.
        gc.collect()
        gc.freeze()
        gc.disable()
        sharpen_timers()
        with core:
            engine.prepare()
            teller.tell({"ready": True})
            offered = engine.run(_start(order, stop_fd))
    finally:
        writer.close()
    teller.tell({"offered": asdict(offered)})


def main() -> int:
    """Exit status 0 also when the order could not be carried out: the answer says why."""
    teller = Teller(1)
    try:
        serve(LoadJob.parse(read_line(0)), teller, 0)
    except (LoadError, OSError, ValueError) as error:
        teller.tell({"error": str(error), "kind": type(error).__name__})
    teller.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
