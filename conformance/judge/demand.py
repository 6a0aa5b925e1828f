"""The load of one revision as its autoscaler may have measured it: at least, at most.

The autoscaler counts a request from its arrival at the activator (or queue-proxy) until its answer leaves there. That
lies between what the client saw (sending to last byte) and what the model saw (its own time). Where a request had to
wait for a pod or for a slot in one, time beyond the usual way there and back is waiting in activator or queue-proxy and
is counted. Where it had not, that time may have been lost on the way, which nobody counts: in a busy ingress, for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.history import History, Revision
from conformance.judge.stairs import Floats
from conformance.model.keys import RPS

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
    starts: list[Floats] = []
    ends: list[Floats] = []
    inner_starts: list[Floats] = []
    inner_ends: list[Floats] = []
    served: list[Floats] = []
    behind = "transformer" in history.components and revision.component != "transformer"
    alone = len(history.component(revision.component)) == 1
    for load in history.loads:
        rows = load.rows
        sent = ~np.isnan(rows["sent"]) & ~np.isnan(rows["end"])
        mine = np.isin(load.pods, np.array([pod.name for pod in revision.pods], dtype=object))
        if behind:
            mine = rows["status"] == 200
        candidates = sent & (mine | ((load.pods == "") & _could_take(revision, rows["end"]))) if not alone else sent
        starts.append(rows["sent"][candidates])
        ends.append(rows["end"][candidates])
        sure = sent & mine & (rows["status"] == 200)
        latency = rows["end"][sure] - rows["sent"][sure]
        if behind:
            model = np.minimum(latency, float(history.scenario.get("service_ms", 100)) / 1000.0)
            inner = model
        else:
            model = rows["model_seconds"][sure].astype(np.float64)
            waited = np.maximum(model, latency - _way(latency, model))
            inner = np.minimum(
                latency,
                np.where(
                    _held(revision, rows["sent"][candidates], rows["end"][candidates], rows["sent"][sure]),
                    waited,
                    model,
                ),
            )
        margin = (latency - inner) / 2.0
        inner_starts.append(rows["sent"][sure] + margin)
        inner_ends.append(rows["end"][sure] - margin)
        if metric == RPS:
            served.append(rows["sent"][sure])
    outer = (_joined(starts), _joined(ends))
    times = np.sort(outer[0])
    start = float(times[0]) if len(times) else float("nan")
    end = float(outer[1].max()) if len(times) else float("nan")
    if metric == RPS:
        return Demand(Arrivals(_joined(served)), Arrivals(outer[0]), times, start, end)
    return Demand(Occupancy(_joined(inner_starts), _joined(inner_ends)), Occupancy(*outer), times, start, end)


def _held(revision: Revision, starts: Floats, ends: Floats, moments: Floats) -> np.ndarray:
    """Whether a request sent then had to wait inside the platform: no pod was ready, or all slots were taken.

    Without a containerConcurrency a ready pod takes everything (Knative pkg/activator/net/throttler.go)."""
    ready = revision.ready.at(moments)
    held: np.ndarray = ready < 1
    if revision.container_concurrency:
        open_then = np.searchsorted(np.sort(starts), moments, "right") - np.searchsorted(np.sort(ends), moments)
        held |= open_then > ready * revision.container_concurrency
    return held


def _could_take(revision: Revision, ends: Floats) -> np.ndarray:
    """Whether an unanswered request may have been this revision's: before the next one took over."""
    taken: np.ndarray = ends <= revision.superseded + 30.0
    return taken


def _way(latency: Floats, model: Floats) -> float:
    rest = (latency - model)[model > 0]
    if not len(rest):
        return WAY_SECONDS
    rank = min(SHORTEST_RANK, len(rest)) - 1
    shortest = float(np.partition(rest, rank)[rank])
    return WAY_SECONDS + 3.0 * max(0.0, shortest)


def _joined(parts: list[Floats]) -> Floats:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0)
