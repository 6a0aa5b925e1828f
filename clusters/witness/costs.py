"""What requests cost a container: processor time that is burnt, memory that is held while they are served.

A container has one core, so costs of requests that meet wait for each other, in real life (one thread burns) as where
they are only accounted for (the embedded platform, whose pods share one process and virtual time).
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from conformance.base.clock import Clock

BUSY_SECONDS: Final = 0.1
"""Of so much time a busy container burns its share in one go."""
_PAGE: Final = 4096
_SLICE: Final = 2000
"""Steps between two looks at the clock: some tens of microseconds."""


class Costs(Protocol):
    """One container's processor and memory."""

    async def burn(self, seconds: float) -> None:
        """Use so much processor time; returns when it is used."""

    def used_seconds(self) -> float:
        """Processor time burnt so far."""

    def take(self, size: int) -> object:
        """Hold so many bytes for as long as what is returned is held."""


async def keep_busy(costs: Costs, clock: Clock, cores: float) -> None:
    """Burn a share of each tenth of a second, until cancelled; returns at once where there is none to burn."""
    while cores:
        due = clock.monotonic() + BUSY_SECONDS
        await costs.burn(cores * BUSY_SECONDS)
        await clock.sleep(max(0.0, due - clock.monotonic()))


class AccountedCosts:
    """Costs that are only written down: burning takes its time on the given clock, memory none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked = 0.0
        self._free = clock.monotonic()

    async def burn(self, seconds: float) -> None:
        now = self._clock.monotonic()
        self._asked += seconds
        self._free = max(now, self._free) + seconds
        await self._clock.sleep(self._free - now)

    def used_seconds(self) -> float:
        return self._asked - max(0.0, self._free - self._clock.monotonic())

    def take(self, size: int) -> object:
        del size
        return None


class RealCosts:
    """Costs that this machine bears."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "burning")
        self._used = 0.0

    async def burn(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._used += await loop.run_in_executor(self._thread, _burn, seconds)

    def used_seconds(self) -> float:
        return self._used

    def take(self, size: int) -> object:
        held = bytearray(size)
        # Memory counts from its first use on.
        held[::_PAGE] = b"\x01" * len(range(0, size, _PAGE))
        return held


def _burn(seconds: float) -> float:
    """Use this thread's processor time; returns how much it was."""
    start = time.thread_time()
    value = 1
    while (used := time.thread_time() - start) < seconds:
        for _ in range(_SLICE):
            value = value * 1_103_515_245 + 12_345 & 0x7FFF_FFFF
    return used
