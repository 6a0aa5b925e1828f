"""The generator for real time: the engine runs in a child process, or in several when one core cannot hold the rate.

Children are driven over their standard streams. Several share the plan by stripes (arrival k of N goes to child k mod
N) and start at one moment of the clock they all read, which keeps the gaps between arrivals as the plan has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.load.endpoint import Endpoint
from conformance.load.generator import LoadProgress, LoadResult, LoadSpec, OnLoadProgress
from conformance.load.load_errors import InvalidLoadError, LoadError
from conformance.load.load_job import LoadJob
from conformance.load.load_plan import LoadPlan
from conformance.load.row_writer import LoadPaths
from conformance.load.schedule import peak_rate, validate

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 10.0
"""How long a child may take to write its rows after it was told to stop."""
LEAD_SECONDS: Final = 0.1
"""From the moment all children are ready to the common start."""
RATE_PER_CORE: Final = 10_000.0
"""Requests per second that one core sends, answers and records with time to spare. An open loop wakes up for every
arrival and every answer, so a core saturates at about twice this; closed loops go several times faster."""


def processes_for(plan: LoadPlan, cores: int) -> int:
    """How many processes a plan needs. Closed loops need one: how fast they go is the server's decision, and a
    saturated child says so."""
    return max(1, min(cores, math.ceil(peak_rate(plan) / RATE_PER_CORE)))


class ChildGenerator:
    """See `conformance.load.generator.Generator`."""

    def __init__(self, priority: str = "elevated", processes: int | None = None) -> None:
        """`processes` is chosen from the plan by default; `priority` as in `LoadJob`."""
        self._priority = priority
        self._processes = processes

    async def offer(self, load: LoadSpec, progress: OnLoadProgress | None = None) -> LoadResult:
        """Raises InvalidLoadError too, for a plan or a target that cannot be used."""
        validate(load.plan)
        Endpoint.of(load.target)
        count = self._processes or processes_for(load.plan, os.cpu_count() or 1)
        job = replace(LoadJob.of(load), folder=str(load.folder.resolve()), priority=self._priority)
        if count == 1:
            return await ChildProcess(job, progress).run()
        return await _ShardedChildren(job, count, progress).run()


class ChildProcess:
    """One load job in a process of its own."""

    def __init__(
        self,
        job: LoadJob,
        progress: OnLoadProgress | None,
        start: Callable[[], asyncio.Future[float]] | None = None,
    ) -> None:
        """`start` is called when the child is ready and gives the common start."""
        self._job = job
        self._progress = progress
        self._start = start

    async def run(self) -> LoadResult:
        """Run to the end. Cancelling makes the child stop sending and write its rows first."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "conformance.load.child_main",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )
        assert process.stdin
        assert process.stdout
        logger.info("load %d: generator is process %d", self._job.index, process.pid)
        try:
            process.stdin.write(self._job.line())
            found = await self._listen(process.stdout, process.stdin)
            if found is None:
                raise LoadError(f"the load generator {_ended(await process.wait())}; its rows so far are on disk")
            return found
        except asyncio.CancelledError:
            process.stdin.close()
            # Whatever becomes of the child now, the caller's cancellation is what counts.
            with contextlib.suppress(TimeoutError, LoadError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._listen(process.stdout, None)
            raise
        finally:
            process.stdin.close()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                logger.warning("load %d: process %d did not stop, killed", self._job.index, process.pid)
                process.kill()
                await process.wait()

    async def _listen(self, stdout: asyncio.StreamReader, stdin: asyncio.StreamWriter | None) -> LoadResult | None:
        """The result; None where the process says nothing more."""
        while line := await stdout.readline():
            value: dict[str, Any] = json.loads(line)
            if "offered" in value:
                return LoadResult(**value["offered"])
            if "error" in value:
                raise _error(value["kind"], value["error"])
            if stdin and "ready" in value and self._start:
                stdin.write(f"{await self._start()!r}\n".encode())
            if stdin and self._progress and "progress" in value:
                self._progress(LoadProgress(**value["progress"]))
        return None


class _ShardedChildren:
    """Shards of one job."""

    def __init__(self, job: LoadJob, count: int, progress: OnLoadProgress | None) -> None:
        self._job, self._count, self._tell = job, count, progress
        self._latest: dict[int, LoadProgress] = {}
        self._ready = 0
        self._start: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def run(self) -> LoadResult:
        from conformance.load.shard_files import merge

        folder, index = Path(self._job.folder), self._job.index
        cap = max(1, self._job.plan.max_in_flight // self._count)
        plan = replace(self._job.plan, max_in_flight=cap)
        jobs = [replace(self._job, plan=plan, shard=shard, shards=self._count) for shard in range(self._count)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(ChildProcess(job, self._progress(job.shard), self._wait_for_start).run())
                    for job in jobs
                ]
        except* LoadError as errors:
            raise errors.exceptions[0] from errors
        finally:
            merge([LoadPaths.of(folder, index, shard) for shard in range(self._count)], LoadPaths.of(folder, index))
        return total([task.result() for task in tasks])

    def _wait_for_start(self) -> asyncio.Future[float]:
        self._ready += 1
        if self._ready == self._count:
            self._start.set_result(time.monotonic() + LEAD_SECONDS)
        return self._start

    def _progress(self, shard: int) -> OnLoadProgress:
        def note(now: LoadProgress) -> None:
            self._latest[shard] = now
            if shard == 0 and self._tell:
                parts = self._latest.values()
                self._tell(
                    LoadProgress(
                        now.seconds,
                        sum(part.sent for part in parts),
                        sum(part.answered for part in parts),
                        sum(part.errors for part in parts),
                        sum(part.in_flight for part in parts),
                    )
                )

        return note


def total(parts: list[LoadResult]) -> LoadResult:
    """What shards came to together."""
    return LoadResult(
        min(part.start for part in parts),
        max(part.end for part in parts),
        sum(part.sent for part in parts),
        sum(part.answered for part in parts),
        sum(part.errors for part in parts),
        sum(part.dropped for part in parts),
    )


def _ended(code: int) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"{how} without a result"


def _error(kind: str, text: str) -> LoadError:
    if kind == InvalidLoadError.__name__:
        return InvalidLoadError(text)
    return LoadError(f"the load generator failed: {text}")
