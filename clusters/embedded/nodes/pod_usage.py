"""How much cpu and memory a pod uses: emulated from the requests it holds, as a share of what it reserves.

The witness computes nothing, so usage is a line: an idle pod has its base load and each request in flight adds as much
again. The numbers are chosen so that the documented loads cross the usual targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clusters.embedded.objects.capacity import requested_amounts
from clusters.embedded.objects.metadata import Object

SHARES: Final = {"cpu": (0.05, 0.5), "memory": (0.3, 0.05)}
"""Resource to (idle, per request in flight), in shares of the pod's request."""


@dataclass(slots=True)
class MeanInFlight:
    """Requests in flight of one pod, averaged over the samples since the last decision."""

    total: float = 0.0
    samples: int = 0

    def add(self, in_flight: int) -> None:
        self.total += in_flight
        self.samples += 1

    @property
    def value(self) -> float:
        return self.total / self.samples if self.samples else 0.0


def share(resource: str, in_flight: float) -> float:
    """What is used of what is reserved; may exceed 1."""
    idle, each = SHARES[resource]
    return idle + each * in_flight


def used(pod: Object, resource: str, in_flight: float) -> float:
    """Cores or bytes."""
    return requested_amounts(pod).get(resource, 0.0) * share(resource, in_flight)
