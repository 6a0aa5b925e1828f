"""How a process that serves the platform runs: its event loop, its priority, the signals that end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

NICE: Final = -8
"""Behind the load generator, which has to be the most punctual of all."""


def run_fast(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def raise_priority() -> None:
    """Ask for a better priority, as all its timing hangs on one loop; go without where it is not granted."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the platform."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
