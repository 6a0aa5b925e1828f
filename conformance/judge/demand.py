"""The load of one revision as its autoscaler may have measured it: at least, at most.

The autoscaler counts a request from its arrival at the activator (or queue-proxy) until its answer leaves there. That
lies between what the client saw (sending to last byte) and what the model saw (its own time). Where a request had to
wait for a pod, or for a slot while the slots were in use, time beyond the usual way there and back is waiting in
activator or queue-proxy and is counted. Where it had not, that time may have been lost on the way, which nobody counts:
in a busy ingress, for one.

By rate each request counts once, when it arrives there: some time between its sending and its answer less the model's
own time. A platform that holds requests back and lets them go together so makes a rate that nobody sent. A window holds
at most what arrived in it by the latest reckoning and what is under way at its end; at least what arrived in it by the
earliest, less what is under way. One that was never answered may have arrived at any time until then, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge.arrivals import Arrivals, Load, Occupancy, Rows, Underway
from conformance.judge.history import History, Revision
from conformance.judge.mapped_rows import pieces
from conformance.judge.once import once
from conformance.judge.step_function import Floats
from conformance.model.keys import RPS
from conformance.recording.run_bodies import ProbeBody

Mask = NDArray[np.bool_]

WAY_SECONDS: Final = 0.02
"""Way between client and platform that is granted beyond three times the shortest one seen."""
SHORTEST_RANK: Final = 5
"""The shortest way is the fifth shortest of a load: a few rows may carry a rounded service time."""


BUSY_SHARE: Final = 0.5
"""Below this share of its slots in use it is not for want of a slot that requests wait: a healthy platform refills a
slot within milliseconds."""
BUSY_SECONDS: Final = 1.0
"""Over so long the slots' use is averaged."""


@dataclass(frozen=True, slots=True)
class Side:
    """The least or the greatest load: requests in flight or arrivals, by the metric."""

    counted: Occupancy | Arrivals
    sent: Floats
    """When its requests were sent, in order."""
    underway: Underway | None = None
    """By rate: requests that were sent and may not have arrived yet."""
    sign: float = 0.0
    """1 where those may be counted beyond the arrivals, -1 where they may be missing from them."""

    def unsettled(self, moments: Floats) -> Floats:
        """What a window that ends then may hold beyond what is counted, negative where that much may be missing."""
        return np.zeros(len(moments)) if self.underway is None else self.sign * self.underway.at(moments)

    def between(self, starts: Floats, ends: Floats) -> Floats:
        """Request-seconds or arrivals of the windows from each start to its end."""
        return np.maximum(0.0, self.counted.between(starts, ends) + self.unsettled(ends))

    def mean(self, edges: Floats) -> Floats:
        """Load between consecutive edges."""
        return self.between(edges[:-1], edges[1:]) / np.diff(edges)


@dataclass(frozen=True, slots=True)
class Demand:
    """The least and the greatest load."""

    least: Side
    most: Side
    sent: Floats
    """When the requests of loads were sent, in order; the greatest load holds the suite's other questions, too."""
    start: float
    end: float
    """First sending and last answer of the loads; both NaN without any."""

    def mean(self, edges: Floats) -> tuple[Floats, Floats]:
        """Least and greatest load between consecutive edges."""
        return self.least.mean(edges), self.most.mean(edges)


@once
def demand(history: History, revision: Revision, metric: str) -> Demand:
    """The load that reached, or may have reached, a revision."""
    loads = [_Seen(history, revision, load) for load in history.loads]
    outer = [seen.whole() for seen in loads]
    times, lasts = _joined([each.starts for each in outer]), _joined([each.ends for each in outer])
    start = float(times[0]) if len(times) else float("nan")
    end = float(lasts[-1]) if len(times) else float("nan")
    questions, answered = _questions(history)
    begun = _joined([times, questions])
    if metric == RPS:
        served = [seen.served() for seen in loads]
        sent, came = _joined([starts for starts, _ in served]), _joined([latest for _, latest in served])
        latest = _joined([*(each.latest for each in outer), answered])
        least = Side(Arrivals(sent), times, Underway(sent, came), -1.0)
        return Demand(least, Side(Arrivals(latest), begun, Underway(begun, latest), 1.0), times, start, end)
    inner = [seen.within(each) for seen, each in zip(loads, outer, strict=True)]
    occupied = Occupancy(_joined([starts for starts, _ in inner]), _joined([ends for _, ends in inner]))
    return Demand(Side(occupied, times), Side(Occupancy(begun, _joined([lasts, answered])), begun), times, start, end)


def _questions(history: History) -> tuple[Floats, Floats]:
    """When the suite asked something outside of loads, and when it was answered, each in order."""
    asked = [(fact.t - fact.body.seconds, fact.t) for fact in history.of(ProbeBody)]
    return np.array(sorted(start for start, _ in asked)), np.array(sorted(end for _, end in asked))


@dataclass(frozen=True, slots=True)
class _Outer:
    """All requests of a load that may have been a revision's, each column in order."""

    starts: Floats
    ends: Floats
    latest: Floats
    """When each arrived at the latest: its end less the model's time."""
    way_seconds: float
    """The way there and back that is granted."""


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

    def whole(self) -> _Outer:
        """All requests that may have been the revision's."""
        starts, ends, latest, rests = _Column(self._load), _Column(self._load), _Column(self._load), np.zeros(0)
        for rows, sent, mine in self._pieces():
            candidates = sent
            if not self._alone:
                unknown = self._load.served_by("", rows=rows)
                candidates = sent & (mine | (unknown & _could_take(self._revision, rows["end"])))
            starts.add(rows["sent"][candidates])
            ends.add(rows["end"][candidates])
            latest.add(self._latest(rows[candidates]))
            latency, model = self._inside(rows[sent & mine & (rows["status"] == 200)])
            rests = _shortest(np.concatenate((rests, (latency - model)[model > 0])))
        shortest = float(rests[-1]) if len(rests) else 0.0
        way_seconds = WAY_SECONDS + 3.0 * max(0.0, shortest)
        return _Outer(starts.ordered(), ends.ordered(), latest.ordered(), way_seconds)

    def within(self, outer: _Outer) -> tuple[Floats, Floats]:
        """Beginning and end of what the autoscaler must have counted of each answered request, each in order."""
        inner_starts, inner_ends = _Column(self._load), _Column(self._load)
        wanting = self._want()
        for rows, sent, mine in self._pieces():
            sure = rows[sent & mine & (rows["status"] == 200)]
            latency, inner = self._inside(sure)
            if not self._behind:
                waited = np.minimum(wanting.between(sure["sent"], sure["end"] - inner), latency - inner)
                waited = np.minimum(inner + waited, latency - outer.way_seconds)
                held = _held(self._revision, outer.starts, outer.ends, sure["sent"])
                inner = np.minimum(latency, np.where(held, np.maximum(inner, waited), inner))
            margin = (latency - inner) / 2.0
            inner_starts.add(sure["sent"] + margin)
            inner_ends.add(sure["end"] - margin)
        return inner_starts.ordered(), inner_ends.ordered()

    def served(self) -> tuple[Floats, Floats]:
        """When the answered requests were sent, and when they arrived at the latest, each in order."""
        starts, latest = _Column(self._load), _Column(self._load)
        for rows, sent, mine in self._pieces():
            sure = rows[sent & mine & (rows["status"] == 200)]
            starts.add(sure["sent"])
            latest.add(self._latest(sure))
        return starts.ordered(), latest.ordered()

    def _latest(self, rows: Rows) -> Floats:
        """When each request arrived at the latest; one that was not answered, when waiting for it stopped."""
        _, model = self._inside(rows)
        found: Floats = np.where(rows["status"] == 200, np.maximum(rows["sent"], rows["end"] - model), rows["end"])
        return found

    def _want(self) -> _Wanting:
        """When requests had to wait for want of a pod or of a slot in one."""
        busy = _Column(self._load), _Column(self._load)
        if self._revision.container_concurrency:
            for rows, sent, mine in self._pieces():
                sure = rows[sent & mine & (rows["status"] == 200)]
                _, model = self._inside(sure)
                busy[0].add(sure["end"] - model)
                busy[1].add(sure["end"])
        in_model = Occupancy(busy[0].ordered(), busy[1].ordered())
        return _Wanting(self._revision, in_model, self._load.start, self._load.last)

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


class _Wanting:
    """Seconds in which no pod was ready, or slots were in use so that requests had to wait for one."""

    def __init__(self, revision: Revision, in_model: Occupancy, start: float, end: float) -> None:
        edges = np.arange(start, max(end, start) + 2.0 * BUSY_SECONDS, BUSY_SECONDS)
        ready = revision.ready.at(edges[1:])
        wanting = np.minimum(ready, revision.ready.at(edges[:-1])) < 1
        if revision.container_concurrency:
            slots = ready * revision.container_concurrency
            wanting |= in_model.mean(edges) >= BUSY_SHARE * slots
        self._edges = edges
        self._sums = np.concatenate(([0.0], np.cumsum(wanting * np.diff(edges))))

    def between(self, starts: Floats, ends: Floats) -> Floats:
        """Such seconds from each start to its end."""
        spent = np.interp(ends, self._edges, self._sums) - np.interp(starts, self._edges, self._sums)
        return np.maximum(0.0, spent)


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
