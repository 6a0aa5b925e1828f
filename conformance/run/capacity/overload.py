"""When to stop a scenario that the platform cannot carry, before it drowns the cluster and whatever runs beside it.

Two signs, each of which has to last: more pods than the scenario may ever need by the model, while some find no node;
an open load whose queue grows without end although pods that take any number of requests are ready. Neither is a
verdict: the reason is recorded, and the requirements are inconclusive. A platform that scales wrongly shows neither:
with a limit of concurrency a queue is what the scenario is about, and without one a single pod takes everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LASTS_SECONDS: Final = 30.0
PODS_FACTOR: Final = 2.0
"""Over the pods that the catalogue states for a scenario, which hold the model's answer and a surge."""
QUEUE_FACTOR: Final = 20.0
"""Over what an open load has in flight when it is answered at once."""
LEAST_QUEUE: Final = 100


@dataclass(frozen=True, slots=True)
class Reading:
    """A scenario at one moment."""

    seconds: float
    pods: int
    placeless: int
    """Pods that the scheduler found no node for."""
    ready: int
    in_flight: int
    prompt: float | None
    """Requests that the open loads would have in flight, were they answered in the model's own time; None without one,
    and where pods limit their concurrency, so that a queue is what the scenario is about."""


class Overload:
    """Follows one scenario."""

    def __init__(self, pods: int) -> None:
        """`pods` is what the catalogue says that it needs at the most."""
        self._most = max(4.0, PODS_FACTOR * pods)
        self._pods_since: float | None = None
        self._queue: tuple[float, int] | None = None

    def sign(self, now: Reading) -> str | None:
        """What is wrong, once it has lasted."""
        return self._too_many_pods(now) or self._endless_queue(now)

    def _too_many_pods(self, now: Reading) -> str | None:
        if now.pods <= self._most or not now.placeless:
            self._pods_since = None
            return None
        self._pods_since = now.seconds if self._pods_since is None else self._pods_since
        if now.seconds - self._pods_since < LASTS_SECONDS:
            return None
        return (
            f"{now.pods} pods, {now.placeless} of them without a node, where at most {self._most:g} were expected: the "
            "cluster does not carry this load"
        )

    def _endless_queue(self, now: Reading) -> str | None:
        limit = None if now.prompt is None else max(LEAST_QUEUE, QUEUE_FACTOR * now.prompt)
        if limit is None or not now.ready or now.in_flight <= limit:
            self._queue = None
            return None
        if self._queue is None or now.in_flight < self._queue[1]:
            self._queue = (now.seconds, now.in_flight)
        since, first = self._queue
        if now.seconds - since < LASTS_SECONDS or now.in_flight < 2 * first:
            return None
        return (
            f"{now.in_flight} requests in flight and rising, {first} of them {now.seconds - since:.0f} s ago, where "
            f"{now.prompt:.0f} are usual: the nodes have no CPU for this load"
        )
