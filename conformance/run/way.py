"""How long the way to a model and back takes, and the service time that makes it short beside the model's own.

What the autoscaler counts of a request lies between the model's time and the caller's, so that the way blurs the load:
where right and wrong counts lie close together, only a model that takes long beside the way tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from conformance.base.clock import Clock
from conformance.kube.cluster import Ingress
from conformance.load.load_plan import Target
from conformance.recording.run_bodies import WAY, ProbeBody
from conformance.recording.writer import Recorder
from conformance.run.probe import probe

TIMES: Final = 25
"""So many times as long as the way a model is to take: the load is then known to four percent."""
PROBES: Final = 3
STEP_MS: Final = 100
MOST_MS: Final = 5000
"""A model that took longer would let a stable window see too few requests."""


async def ask(ingress: Ingress, target: Target, clock: Clock, recorder: Recorder) -> tuple[ProbeBody, ...]:
    """Ask a few times whether the model is there; each question is kept as a fact, since the platform counts it."""
    asked = []
    for _ in range(PROBES):
        start = clock.monotonic()
        status, _text = await probe(ingress, target, "GET")
        asked.append(ProbeBody(WAY, status, round(clock.monotonic() - start, 6)))
        recorder.write(asked[-1])
    return tuple(asked)


def way_seconds(asked: Sequence[ProbeBody]) -> float | None:
    """The shortest way there and back of questions; None where none was answered."""
    return min((each.seconds for each in asked if each.status == 200), default=None)


def tight_service_ms(least_ms: int, way: float | None) -> int:
    """The service time for a scenario that says `least_ms`, on a platform whose way takes so many seconds."""
    needed = 0 if way is None else math.ceil(TIMES * way * 1000.0 / STEP_MS) * STEP_MS
    return max(least_ms, min(needed, MOST_MS))
