"""What no platform is to blame for: a cluster that is starved, or whose metrics are away. No requirement that counts
pods may fail by it.

A weather is chosen as a fault is, and is no fault: nothing has to catch it.
"""

from __future__ import annotations

from typing import Final

from clusters.embedded.behaviour.control_behaviour import Memory
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.faults.fault import Fault
from conformance.base.clock import Clock
from conformance.model.kpa import Kpa, Reconciliation

STARVED_SECONDS: Final = (20.0, 8.0)
"""Every so many seconds nothing gets a processor for so long, but in slices."""
AWAY_SECONDS: Final = (240.0, 100.0, 160.0)
"""Metrics are away in each period of so many seconds from the second to the third."""
LATE_SECONDS: Final = 0.48
"""How late a timer comes then: asked to take 20 ms, took 500."""


def starved(wall: float) -> bool:
    """Whether the cluster is short of processors at a moment."""
    return wall % STARVED_SECONDS[0] < STARVED_SECONDS[1]


class _StarvedClock:
    """The clock of a container that does not get its share."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> float:
        return self._clock.wall()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        if starved(self._clock.wall()):
            await self._clock.sleep(LATE_SECONDS)


class StarvedCluster(Behaviour):
    """Models come late, and so does whatever the autoscaler decides."""

    def model_clock(self, clock: Clock) -> Clock:
        return _StarvedClock(clock)

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, replicas, memory
        if found.replicas is None or not kpa.initialized or not starved(now):
            return found
        return found._replace(replicas=None, requeue_seconds=1.0)


class MetricsAway(Behaviour):
    """The metrics API is not there for a minute of every four."""

    def serves_metrics(self, now: float) -> bool:
        return not AWAY_SECONDS[1] <= now % AWAY_SECONDS[0] < AWAY_SECONDS[2]


WEATHER: Final = (
    Fault("starved-cluster", "gets no processor time now and then", "nothing", StarvedCluster),
    Fault("metrics-away", "has no metrics for a minute of every four", "nothing", MetricsAway),
)
