from __future__ import annotations

import pytest

from conformance.base.ticker import Ticker


class StandingStill:
    """A clock of a program that was stopped once: what should have waited until 3 wakes at 7.25."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(0.0, seconds)
        if self.now == 3.0:
            self.now = 7.25


@pytest.mark.parametrize(
    ("period_seconds", "ticks"), [(1.0, [1.0, 2.0, 7.25, 8.0, 9.0]), (2.0, [1.0, 7.25, 9.0, 11.0, 13.0])]
)
async def test_ticks_that_were_missed_are_dropped(period_seconds: float, ticks: list[float]) -> None:
    clock = StandingStill()
    ticker = Ticker(clock, 1.0, period_seconds)
    seen = []
    for _ in ticks:
        await ticker.tick()
        seen.append(clock.now)
    assert seen == ticks
