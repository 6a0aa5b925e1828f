"""The generator for real time: the engine runs in a child process and is driven over its standard streams."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from conformance.errors import ConformanceError, HarnessError, SubmissionError
from conformance.load.generator import Offered, Progress
from conformance.load.order import Order
from conformance.load.plan import Plan, Target
from conformance.load.schedule import validate
from conformance.load.wire import Place

STOP_SECONDS: Final = 10.0
"""How long a child may take to write its rows after it was told to stop."""


class ChildGenerator:
    """Starts one child per load. See `conformance.load.generator.Generator`."""

    def __init__(self, priority: str = "elevated") -> None:
        self._priority = priority

    async def offer(
        self,
        plan: Plan,
        target: Target,
        folder: Path,
        index: int,
        origin_monotonic: float,
        progress: Callable[[Progress], None] | None = None,
    ) -> Offered:
        validate(plan)
        Place.of(target)
        order = Order(plan, target, str(folder.resolve()), index, origin_monotonic, priority=self._priority)
        return await run_child(order, progress)


async def run_child(order: Order, progress: Callable[[Progress], None] | None) -> Offered:
    """Run one order in a child process. Cancelling makes it stop sending and write its rows first."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "conformance.load.child_main",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(order.line())
        return await _listen(process.stdout, progress)
    except asyncio.CancelledError:
        process.stdin.close()
        async with asyncio.timeout(STOP_SECONDS):
            await _listen(process.stdout, None)
        raise
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listen(stdout: asyncio.StreamReader, progress: Callable[[Progress], None] | None) -> Offered:
    while line := await stdout.readline():
        value: dict[str, Any] = json.loads(line)
        if "offered" in value:
            return Offered(**value["offered"])
        if "error" in value:
            raise _error(value["kind"], value["error"])
        if progress and "progress" in value:
            progress(Progress(**value["progress"]))
    raise HarnessError("the load generator's process ended without a result; its rows so far are on disk")


def _error(kind: str, text: str) -> ConformanceError:
    if kind == SubmissionError.__name__:
        return SubmissionError(text)
    return HarnessError(f"the load generator failed: {text}")
