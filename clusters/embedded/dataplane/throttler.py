"""An activator's throttler: buffers a revision's requests until a pod may have them.

Knative (pkg/activator/net/throttler.go) takes a slot of the revision's breaker first, then one of a pod, and starts
over when no pod has one. Nothing can come between the two here, so a request goes when both are free; whoever waits is
served in order of arrival.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterable

from clusters.embedded.dataplane.dataplane_behaviour import DataBehaviour
from clusters.embedded.dataplane.policy import Tracker
from clusters.embedded.dataplane.revision import RevisionSpec


class Throttler:
    """The pods of one revision as one activator uses them, and the requests waiting for one."""

    def __init__(
        self, spec: RevisionSpec, behaviour: DataBehaviour, rng: random.Random, *, index: int = -1, activators: int = 1
    ) -> None:
        self.spec = spec
        self.capacity = 0
        self.running = 0
        self._behaviour = behaviour
        self._policy = behaviour.policy(spec.container_concurrency, rng)
        self._index = index
        self._activators = activators
        self._trackers: dict[str, Tracker] = {}
        self._assigned: list[Tracker] = []
        self._queue: deque[asyncio.Future[Tracker]] = deque()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Requests buffered."""
        return self._waiting

    @property
    def empty(self) -> bool:
        """No pod to send anything to."""
        return not self._assigned

    @property
    def assigned(self) -> tuple[str, ...]:
        """Addresses of the pods this activator uses, in order."""
        return tuple(tracker.address for tracker in self._assigned)

    def set_pods(self, addresses: Iterable[str]) -> None:
        """The pods that answered a probe. A pod that stays keeps its count of requests in flight."""
        limit = self.spec.container_concurrency
        known = self._trackers
        self._trackers = {address: known.get(address) or Tracker(address, limit) for address in sorted(addresses)}
        self._share()

    def set_share(self, index: int, activators: int) -> None:
        """This activator's place among those of the revision; -1 when it is none of them."""
        self._index, self._activators = index, activators
        self._share()

    def _share(self) -> None:
        concurrency = self.spec.container_concurrency
        pods = list(self._trackers.values())
        index = self._index if concurrency else -1
        self._assigned = self._behaviour.activator_pods(pods, index, self._activators)
        self.capacity = self._behaviour.activator_capacity(
            concurrency, len(pods), len(self._assigned), self._activators
        )
        self._serve()

    def _pick(self) -> Tracker | None:
        if self.running >= self.capacity or not self._assigned:
            return None
        tracker = self._policy.pick(self._assigned)
        if tracker is not None:
            self.running += 1
        return tracker

    async def acquire(self) -> Tracker:
        """A pod with a slot reserved for the caller, who must `release` it. Waits as long as there is none."""
        if not self._waiting:
            tracker = self._pick()
            if tracker is not None:
                return tracker
        turn: asyncio.Future[Tracker] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._waiting += 1
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(turn.result())
            else:
                self._waiting -= 1
            raise

    def release(self, tracker: Tracker) -> None:
        """Give a slot back; the longest waiting request may have it."""
        tracker.release()
        self.running -= 1
        self._serve()

    def _serve(self) -> None:
        while self._queue:
            if self._queue[0].done():
                self._queue.popleft()
                continue
            tracker = self._pick()
            if tracker is None:
                return
            self._waiting -= 1
            self._queue.popleft().set_result(tracker)
