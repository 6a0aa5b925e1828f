"""Ticks at an even distance, of which those that were missed are dropped."""

from __future__ import annotations

import math

from conformance.base.clock import Clock


class Ticker:
    """Like Go's time.Ticker: whoever comes late gets one tick at once, and the next when it is due by the first one's
    phase. A platform that stood still for seconds so tells of them once, not once for each."""

    def __init__(self, clock: Clock, first: float, period_seconds: float) -> None:
        """`first` by the clock's monotonic seconds."""
        self._clock = clock
        self._due = first
        self._period_seconds = period_seconds

    async def tick(self) -> None:
        """Wait for the next tick."""
        await self._clock.sleep(self._due - self._clock.monotonic())
        late = max(0.0, self._clock.monotonic() - self._due)
        self._due += self._period_seconds * (1 + math.floor(late / self._period_seconds))
