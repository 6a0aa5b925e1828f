"""The load of one revision as its autoscaler may have measured it: at least, at most.

The autoscaler counts a request from its arrival at the activator (or queue-proxy) until its answer leaves there. That
lies between what the client saw (sending to last byte) and what the model saw (its own time). Where a request had to
wait for a pod or for a slot in one, time beyond the usual way there and back is waiting in activator or queue-proxy and
is counted. Where it had not, that time may have been lost on the way, which nobody counts: in a busy ingress, for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge.arrivals import Arrivals, Load, Occupancy, Rows
from conformance.judge.history import History, Revision
from conformance.judge.mapped_rows import pieces
from conformance.judge.step_function import Floats
from conformance.model.keys import RPS

Mask = NDArray[np.bool_]

WAY_SECONDS: Final = 0.02
"""Way between client and platform that is granted beyond three times the shortest one seen."""
SHORTEST_RANK: Final = 5
"""The shortest way is the fifth shortest of a load: a few rows may carry a rounded service time."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Integrals of the least and the greatest load; requests in flight or arrivals, by the metric."""

    least: Occupancy | Arrivals
    most: Occupancy | Arrivals
    first: Floats
    """Times of all arrivals, sorted."""
    start: float
    end: float
    """First arrival and last answer; both NaN without any."""

    def mean(self, edges: Floats) -> tuple[Floats, Floats]:
        """Least and greatest load between consecutive edges."""
        return self.least.mean(edges), self.most.mean(edges)


def demand(history: History, revision: Revision, metric: str) -> Demand:
    """The load that reached, or may have reached, a revision."""
    outer: list[tuple[Floats, Floats]] = []
    inner: list[tuple[Floats, Floats]] = []
    served: list[Floats] = []
    for load in history.loads:
        seen = _Seen(history, revision, load)
        starts, ends, way_seconds = seen.whole()
        outer.append((starts, ends))
        if metric == RPS:
            served.append(seen.served())
        else:
            inner.append(seen.within(starts, ends, way_seconds))
    times, lasts = _joined([starts for starts, _ in outer]), _joined([ends for _, ends in outer])
    start = float(times[0]) if len(times) else float("nan")
    end = float(lasts[-1]) if len(times) else float("nan")
    if metric == RPS:
        return Demand(Arrivals(_joined(served)), Arrivals(times), times, start, end)
    least = Occupancy(_joined([starts for starts, _ in inner]), _joined([ends for _, ends in inner]))
    return Demand(least, Occupancy(times, lasts), times, start, end)


class _Seen:
    """One load's requests as one revision got them, looked at a piece at a time: there may be ten million."""

    def __init__(self, history: History, revision: Revision, load: Load) -> None:
        self._revision = revision
        self._load = load
        self._behind = "transformer" in history.components and revision.component != "transformer"
        self._alone = len(history.component(revision.component)) == 1
        self._pods = tuple(pod.name for pod in revision.pods)
        self._service_seconds = history.scenario.service_ms / 1000.0

    def _pieces(self) -> Iterator[tuple[Rows, Mask, Mask]]:
        """Rows, which of them were sent and came to an end, and which of all were certainly the revision's."""
        for rows in pieces(self._load.rows):
            mine = rows["status"] == 200 if self._behind else self._load.served_by(*self._pods, rows=rows)
            yield rows, ~np.isnan(rows["sent"]) & ~np.isnan(rows["end"]), mine

    def whole(self) -> tuple[Floats, Floats, float]:
        """Sending and ending of all requests that may have been the revision's, each in order; the way there and back
        that is granted."""
        starts, ends, rests = _Column(self._load), _Column(self._load), np.zeros(0)
        for rows, sent, mine in self._pieces():
            candidates = sent
            if not self._alone:
                unknown = self._load.served_by("", rows=rows)
                candidates = sent & (mine | (unknown & _could_take(self._revision, rows["end"])))
            starts.add(rows["sent"][candidates])
            ends.add(rows["end"][candidates])
            latency, model = self._inside(rows[sent & mine & (rows["status"] == 200)])
            rests = _shortest(np.concatenate((rests, (latency - model)[model > 0])))
        shortest = float(rests[-1]) if len(rests) else 0.0
        return starts.ordered(), ends.ordered(), WAY_SECONDS + 3.0 * max(0.0, shortest)

    def within(self, starts: Floats, ends: Floats, way_seconds: float) -> tuple[Floats, Floats]:
        """Beginning and end of what the autoscaler must have counted of each answered request, each in order."""
        inner_starts, inner_ends = _Column(self._load), _Column(self._load)
        for rows, sent, mine in self._pieces():
            sure = rows[sent & mine & (rows["status"] == 200)]
            latency, inner = self._inside(sure)
            if not self._behind:
                waited = np.maximum(inner, latency - way_seconds)
                inner = np.minimum(latency, np.where(_held(self._revision, starts, ends, sure["sent"]), waited, inner))
            margin = (latency - inner) / 2.0
            inner_starts.add(sure["sent"] + margin)
            inner_ends.add(sure["end"] - margin)
        return inner_starts.ordered(), inner_ends.ordered()

    def served(self) -> Floats:
        """When the answered requests were sent, in order."""
        found = _Column(self._load)
        for rows, sent, mine in self._pieces():
            found.add(rows["sent"][sent & mine & (rows["status"] == 200)])
        return found.ordered()

    def _inside(self, rows: Rows) -> tuple[Floats, Floats]:
        """Seconds until the answer, and those of them in the model."""
        latency = rows["end"] - rows["sent"]
        if self._behind:
            return latency, np.minimum(latency, self._service_seconds)
        return latency, rows["model_seconds"].astype(np.float64)


class _Column:
    """Values of a load's rows, at most one each."""

    def __init__(self, load: Load) -> None:
        self._values = np.empty(len(load.rows))
        self._count = 0

    def add(self, values: Floats) -> None:
        self._values[self._count : self._count + len(values)] = values
        self._count += len(values)

    def ordered(self) -> Floats:
        """The values in order; nothing may be added any more."""
        found: Floats = self._values[: self._count]
        found.sort()
        return found


def _held(revision: Revision, starts: Floats, ends: Floats, moments: Floats) -> np.ndarray:
    """Whether a request sent then had to wait inside the platform: no pod was ready, or all slots were taken.

    Without a containerConcurrency a ready pod takes everything (Knative pkg/activator/net/throttler.go)."""
    ready = revision.ready.at(moments)
    held: np.ndarray = ready < 1
    if revision.container_concurrency:
        open_then = np.searchsorted(starts, moments, "right") - np.searchsorted(ends, moments)
        held |= open_then > ready * revision.container_concurrency
    return held


def _could_take(revision: Revision, ends: Floats) -> np.ndarray:
    """Whether an unanswered request may have been this revision's: before the next one took over."""
    taken: np.ndarray = ends <= revision.superseded + 30.0
    return taken


def _shortest(rests: Floats) -> Floats:
    """The shortest few, in order."""
    few = np.partition(rests, SHORTEST_RANK - 1)[:SHORTEST_RANK] if len(rests) > SHORTEST_RANK else rests
    return np.sort(few)


def _joined(parts: list[Floats]) -> Floats:
    """Values in order from parts in order."""
    if len(parts) == 1:
        return parts[0]
    return np.sort(np.concatenate(parts)) if parts else np.zeros(0)
