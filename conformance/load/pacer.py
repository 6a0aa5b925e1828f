"""Decides what is due when: the one piece of logic that all engines share, with time handed in.

An engine asks `next_due`, takes what is due, and says when a worker became free. Nothing here waits, sends or reads a
clock, so the same decisions come out under real sockets and in virtual time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from typing import Final

from conformance.load.load_plan import LoadPlan, LoadShape
from conformance.load.schedule import OPEN, Arrival, phase_ends, stream, validate

MANY: Final = 1 << 30
FAILURE_PAUSE_SECONDS: Final = 0.01
"""How long a closed-loop worker waits after a failed connection. Without it a refusing server is met with a hundred
thousand rows a second that all say the same, and virtual time would never move on."""


class Pacer:
    """The state of one plan (or one shard of it) being offered. Times are seconds from the plan's start."""

    def __init__(self, plan: LoadPlan, shard: int = 0, shards: int = 1) -> None:
        validate(plan)
        self.ends = phase_ends(plan)
        self.missed_ticks = 0
        """Ticks of paced workers that found their worker busy and one tick waiting already; hey drops these too."""
        self._shapes = [phase.shape for phase in plan.phases]
        self._counted = [phase.count > 0 and phase.shape is LoadShape.SALVO for phase in plan.phases]
        self._open = [shape in OPEN for shape in self._shapes]
        self._quota = [phase.count // max(1, phase.workers) for phase in plan.phases]
        self._left = [
            quota * len(range(shard, phase.workers, shards))
            for quota, phase in zip(self._quota, plan.phases, strict=True)
        ]
        self._taken: dict[tuple[int, int], int] = {}
        self._busy: dict[tuple[int, int], float | None] = {}
        self._calling: set[int] = set()
        """Workers of closed loops that have a request under way, or pause before their next."""
        self._held: dict[int, Arrival] = {}
        """The first request in a later closed phase of a worker that is still calling."""
        self._later: list[Arrival] = []
        self._stream: Iterator[Arrival] = stream(plan, shard, shards)
        self._next = next(self._stream, None)
        self.next_due = self._next.due if self._next else math.inf
        """When `take` has something again; infinite at the end."""

    def is_open(self, phase: int) -> bool:
        """Whether arrivals of this phase come without regard to answers."""
        return self._open[phase]

    def is_paced(self, phase: int) -> bool:
        """Whether workers have tickers; a request that `freed` gives such a worker has waited for it."""
        return self._shapes[phase] is LoadShape.SALVO

    def until(self, phase: int) -> float:
        """End of an unlimited closed phase, during which a free worker sends again at once; 0 for all other phases."""
        if self._shapes[phase] is LoadShape.CLOSED and not self._quota[phase]:
            return self.ends[phase]
        return 0.0

    def take(self, now: float, most: int = MANY) -> list[Arrival]:
        """Arrivals due by `now`, oldest first; the first `most` of them, so that an engine that is behind can look for
        answers, and with them idle connections, in between."""
        due: list[Arrival] = []
        while self._next is not None and self._next.due <= now and len(due) < most:
            arrival = self._next
            if self._open[arrival.phase] or self._admit(arrival):
                due.append(arrival)
            self._next = next(self._stream, None)
            while self._next is not None and self._counted[self._next.phase] and self._exhausted(self._next.phase):
                self._next = next(self._stream, None) if self.ends[self._next.phase] < math.inf else None
        while self._later and self._later[0].due <= now:
            arrival = heapq.heappop(self._later)
            if arrival.due < self.ends[arrival.phase]:
                due.append(arrival)
        self._set_next_due()
        return due

    def freed(self, phase: int, worker: int, now: float, *, failed: bool = False) -> float | None:
        """A worker's request ended; when its next one was or is due. None when there is none now: `take` brings it, or
        it was the last. After a failed connection the worker pauses, see `FAILURE_PAUSE_SECONDS`.

        A worker of a closed loop is one caller for the whole plan: in the next closed phase it sends when it is free,
        so that a change of their number never has both numbers under way."""
        shape = self._shapes[phase]
        if shape is LoadShape.CLOSED:
            return self._again(phase, worker, now, failed=failed)
        if shape is LoadShape.SALVO:
            waiting = self._busy.pop((phase, worker), None)
            if waiting is not None and now <= self.ends[phase] and self._spend(phase, worker):
                self._busy[phase, worker] = None
                return waiting
        return None

    def _again(self, phase: int, worker: int, now: float, *, failed: bool) -> float | None:
        due = now + (FAILURE_PAUSE_SECONDS if failed else 0.0)
        if due < self.ends[phase] and self._spend(phase, worker):
            if not failed:
                return now
            self._put_off(Arrival(due, phase, worker))
            return None
        self._calling.discard(worker)
        held = self._held.pop(worker, None)
        if held is not None and due < self.ends[held.phase] and self._spend(held.phase, worker):
            self._calling.add(worker)
            self._put_off(Arrival(due, held.phase, worker))
        return None

    def _put_off(self, arrival: Arrival) -> None:
        heapq.heappush(self._later, arrival)
        self._set_next_due()

    def _admit(self, arrival: Arrival) -> bool:
        key = (arrival.phase, arrival.worker)
        shape = self._shapes[arrival.phase]
        if shape is LoadShape.CLOSED:
            return self._begin(arrival)
        if shape is not LoadShape.SALVO:
            return True
        if key not in self._busy:
            if not self._spend(*key):
                return False
            self._busy[key] = None
            return True
        if self._busy[key] is None:
            self._busy[key] = arrival.due
        else:
            self.missed_ticks += 1
        return False

    def _begin(self, arrival: Arrival) -> bool:
        """Whether a closed loop's worker sends its first request of a phase now."""
        if arrival.worker in self._calling:
            self._held[arrival.worker] = arrival
            return False
        if not self._spend(arrival.phase, arrival.worker):
            return False
        self._calling.add(arrival.worker)
        return True

    def _spend(self, phase: int, worker: int) -> bool:
        """Take one request from a counted worker's quota."""
        quota = self._quota[phase]
        if not quota:
            return True
        taken = self._taken.get((phase, worker), 0)
        if taken == quota:
            return False
        self._taken[phase, worker] = taken + 1
        self._left[phase] -= 1
        return True

    def _exhausted(self, phase: int) -> bool:
        """Whether every worker of a counted salvo phase has sent its share, which ends its ticks."""
        return self._counted[phase] and self._left[phase] == 0

    def _set_next_due(self) -> None:
        first = self._next.due if self._next else math.inf
        self.next_due = min(first, self._later[0].due) if self._later else first
