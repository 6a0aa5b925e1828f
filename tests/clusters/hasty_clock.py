"""A clock for tests with real programs, which need a real event loop: waiting only counts."""

from __future__ import annotations

import asyncio


class HastyClock:
    """Seconds pass by being waited for, and a moment by being asked for."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 0.001
        return self.seconds

    def wall(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)
