"""Runs an engine against the test server and reads back what it wrote."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from conformance.load.generator import LoadResult
from conformance.load.load_job import Engine, LoadJob
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.row_writer import LoadPaths, RowWriter
from conformance.recording.rows import ROW_BYTES, Row


@dataclass(frozen=True)
class Outcome:
    """One load's result and files."""

    offered: LoadResult
    rows: tuple[Row, ...]
    names: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]


def read_rows(path: Path) -> tuple[Row, ...]:
    """All rows of a file."""
    data = path.read_bytes()
    assert len(data) % ROW_BYTES == 0
    return tuple(Row.unpack(data[at : at + ROW_BYTES]) for at in range(0, len(data), ROW_BYTES))


def read_outcome(offered: LoadResult | None, paths: LoadPaths) -> Outcome:
    """Everything a load left behind; without a result when it was cancelled."""
    offered = offered or LoadResult(math.nan, math.nan, 0, 0, 0, 0)
    lines = tuple(json.loads(line) for line in paths.lines.read_text().splitlines())
    return Outcome(offered, read_rows(paths.rows), tuple(paths.names.read_text().splitlines()), lines)


class Offer(Protocol):
    """Offers a plan with one of the engines."""

    async def __call__(self, plan: LoadPlan, target: Target, folder: Path, **options: Any) -> Outcome: ...


def offering(kind: Callable[..., Engine]) -> Offer:
    """Offer from a thread, so that the server can live in the test's event loop."""

    async def offer(plan: LoadPlan, target: Target, folder: Path, **options: Any) -> Outcome:
        paths = LoadPaths.of(folder, 1)

        def run() -> LoadResult:
            writer = RowWriter(paths, threaded=True)
            try:
                job = LoadJob(plan, target, str(folder), 1, time.monotonic(), priority="normal")
                engine = kind(job, writer, **options)
                engine.prepare()
                return engine.run()
            finally:
                writer.close()

        return read_outcome(await asyncio.to_thread(run), paths)

    return offer


def one(path_timeout_seconds: float = 5.0, count: int = 1) -> LoadPlan:
    """A plan of `count` requests by one worker."""
    return LoadPlan((Phase(LoadShape.CLOSED, 0.0, workers=1, count=count),), timeout_seconds=path_timeout_seconds)
