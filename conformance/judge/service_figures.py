"""Figures of a service under a load that need no model: what callers got, what there was of pods.

Nothing here decides. Times in seconds, amounts of pods in pods x seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.judge.arrivals import answered
from conformance.judge.cold_starts import ColdStart, cold_starts
from conformance.judge.history import History
from conformance.judge.pod_timeline import ready, total
from conformance.judge.step_function import Floats, StepFunction
from conformance.recording.rows import RowError


@dataclass(frozen=True, eq=False)
class ServiceFigures:
    """A service under its loads."""

    history: History

    @property
    def requests(self) -> int:
        """Arrivals, those that were never sent included."""
        return sum(len(load.rows) for load in self.history.loads)

    @property
    def errors(self) -> int:
        """Arrivals without an answer 200."""
        return self.requests - sum(len(answered(load.rows)) for load in self.history.loads)

    @property
    def error_share(self) -> float:
        """Of all arrivals; 0 where there was none."""
        return self.errors / self.requests if self.requests else 0.0

    @cached_property
    def endings(self) -> Mapping[str, int]:
        """Arrivals by how they ended: `200`, `503`, `timeout`; the most frequent first."""
        found: Counter[str] = Counter()
        for load in self.history.loads:
            codes = load.rows["error"].astype(int) * 1000 + load.rows["status"].astype(int)
            for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
                error, status = divmod(int(code), 1000)
                found[str(status) if error == RowError.NONE else RowError(error).name.lower()] += int(count)
        return dict(found.most_common())

    @cached_property
    def latencies(self) -> Floats:
        """Of answers 200, from the moment they were due; sorted."""
        found = [rows["end"] - rows["scheduled"] for load in self.history.loads for rows in (answered(load.rows),)]
        return np.sort(np.concatenate(found)) if found else np.zeros(0)

    def percentile(self, percent: float) -> float:
        """By nearest rank; NaN without an answer."""
        count = len(self.latencies)
        return float(self.latencies[max(0, math.ceil(percent / 100 * count) - 1)]) if count else math.nan

    @property
    def requests_per_second(self) -> float:
        """Answers a second while loads went on."""
        seconds = sum(max(0.0, load.last - load.start) for load in self.history.loads if len(load.rows))
        return len(self.latencies) / seconds if seconds else 0.0

    @cached_property
    def cold_starts(self) -> tuple[ColdStart, ...]:
        """Starts of pods while loads went on."""
        return tuple(cold_starts(self.history))

    @property
    def cold_requests(self) -> int:
        """Callers who met a cold start: arrivals that were due while no pod that takes traffic was ready, up to the
        first answer. A pod may answer seconds before Kubernetes calls it ready."""
        outer = next(iter(self.history.components), None)
        if outer is None:
            return 0
        there = ready([pod for pod in self.history.pods.values() if pod.component == outer])
        found = 0
        for load in self.history.loads:
            rows = load.rows[there.at(load.rows["scheduled"]) == 0]
            stretches = np.searchsorted(there.times, rows["scheduled"], side="right")
            for stretch in np.unique(stretches):
                mine = rows[stretches == stretch]
                first = min(answered(mine)["end"], default=math.inf)
                found += int((mine["scheduled"] < first).sum())
        return found

    @property
    def peak_pods(self) -> int:
        """Of all components together."""
        return peak(total(list(self.history.pods.values())), self.history)

    @property
    def pod_minutes(self) -> float:
        """From the first arrival to the end of the recording."""
        return self.pod_minutes_until(self.history.end)

    def pod_minutes_until(self, end: float) -> float:
        """From the first arrival to a time."""
        return _area(total(list(self.history.pods.values())), self.since, end) / 60

    @property
    def since(self) -> float:
        """When the first arrival was due; where there was none, when the service could have taken it."""
        due = (float(load.rows["scheduled"].min()) for load in self.history.loads if len(load.rows))
        return min(due, default=self.history.ready_at)

    @property
    def accelerator_minutes(self) -> float:
        """Likewise, of accelerators."""
        ends = self.since, self.history.end
        found = ((sum(pod.resources.values()), total([pod])) for pod in self.history.pods.values())
        return sum(count * _area(there, *ends) for count, there in found) / 60

    def course(self, step_seconds: float = 1.0) -> Iterator[tuple[float, float | None, int]]:
        """(second from the first arrival, wanted pods, ready pods) of all components together; wanted None where
        nothing tells."""
        start = self.since
        moments = np.arange(start, max(self.history.end, start + step_seconds), step_seconds)
        revisions = [each for each in self.history.revisions.values() if each.pods]
        known = [each.desired for each in revisions if each.desired is not None]
        wanted = sum((np.nan_to_num(each.at(moments)) for each in known), np.zeros(len(moments)))
        there = ready(list(self.history.pods.values())).at(moments)
        for moment, want, pods in zip(moments, wanted, there, strict=True):
            yield round(float(moment - start), 3), float(want) if known else None, int(pods)


def peak(counts: StepFunction, history: History) -> int:
    """The most pods at one time."""
    return int(counts.most(0.0, history.end)) if len(counts.times) else 0


def _area(counts: StepFunction, start: float, end: float) -> float:
    if not start < end < math.inf:
        return 0.0
    edges = np.concatenate(([start], counts.times[(counts.times > start) & (counts.times < end)], [max(start, end)]))
    return float((counts.at(edges[:-1]) * np.diff(edges)).sum())
