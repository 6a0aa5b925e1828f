"""Clocks that go wrong: the autoscaler's and the time stamps of reports."""

from __future__ import annotations

from collections.abc import Iterator

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.derived.operators import CLOCK, FACTOR, Rule
from conformance.base.clock import Clock


class _Pace:
    """A clock that shows time passing faster or slower than it does; who sleeps sleeps right."""

    def __init__(self, clock: Clock, factor: float) -> None:
        self._clock = clock
        self._factor = factor
        self._begun = clock.wall()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> float:
        return self._begun + (self._clock.wall() - self._begun) * self._factor

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class Fast(Behaviour):
    def autoscaler_clock(self, clock: Clock) -> Clock:
        return _Pace(clock, FACTOR)


class Slow(Behaviour):
    def autoscaler_clock(self, clock: Clock) -> Clock:
        return _Pace(clock, 1.0 / FACTOR)


def rules() -> Iterator[Rule]:
    """All of them."""
    yield Rule("seconds of the autoscaler, too many", CLOCK, Fast, ("scale-down",))
    yield Rule("seconds of the autoscaler, too few", CLOCK, Slow, ("scale-down",))
