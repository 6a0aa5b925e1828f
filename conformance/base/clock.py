"""Time as an argument: everything that waits or stamps takes a `Clock`.

Real time reads the machine's monotonic clock, which parent and child processes share. Virtual time belongs to an event
loop that jumps to its next timer whenever nothing is ready, so 5 minutes of waiting cost no waiting at all; it needs
everything to live in that one loop: no sockets, no threads, no subprocesses.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

VIRTUAL_EPOCH_SECONDS: Final = 1_767_225_600.0
"""Wall clock at virtual second 0: 2026-01-01T00:00:00Z, a whole hour, so bucket edges fall on whole seconds."""


class Clock(Protocol):
    """Where time comes from."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin; never goes back."""

    def wall(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait at least this long; zero or less only yields."""


class RealClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class VirtualClock:
    """The clock of the `VirtualLoop` that runs the caller."""

    def __init__(self, loop: VirtualLoop, epoch_seconds: float = VIRTUAL_EPOCH_SECONDS) -> None:
        self._loop = loop
        self._epoch_seconds = epoch_seconds

    def monotonic(self) -> float:
        return self._loop.time()

    def wall(self) -> float:
        return self._epoch_seconds + self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


_POLL_EVERY: Final = 64
"""Rounds of the loop between looks at real descriptors: only signals come that way, and a look costs a system call."""


class _JumpingSelector(selectors.SelectSelector):
    """Never waits: tells the loop how far it may jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._rounds = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._rounds += 1
        ready = super().select(0) if timeout is None or self._rounds % _POLL_EVERY == 0 else []
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("virtual time stands still: every task waits and no timer is set")
        self.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when nothing is left to do at the present moment."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # asyncio runs timers due before now + resolution: just enough that a timer due exactly now runs.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.now


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a fresh virtual loop that starts at second 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual_clock() -> VirtualClock:
    """The clock of the running `VirtualLoop`; raises RuntimeError outside one."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise RuntimeError("a virtual clock needs to run inside run_virtual()")
    return VirtualClock(loop)
