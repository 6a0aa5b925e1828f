"""What became of a service under a load, in a few figures: what people ask for who try their own.

Nothing here decides; verdicts are the checks'. Times in seconds, amounts of pods in pods x seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from conformance.judge.arrivals import answered
from conformance.judge.band import band
from conformance.judge.checks.pods import BandParameters, inside_band
from conformance.judge.cold_starts import ColdStart, cold_starts
from conformance.judge.expectations import parameters
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, Revision
from conformance.judge.pod_timeline import ready, total
from conformance.judge.step_function import Floats, StepFunction
from conformance.recording.rows import RowError
from conformance.recording.service_bodies import PodAutoscalerBody


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """One component under load."""

    name: str
    metric: str
    """What its pods are counted by; empty where Knative's autoscaler does not scale it."""
    target_value: float
    """Load per pod to aim for, after utilization."""
    container_concurrency: int
    min_scale: int
    max_scale: int
    """0 for none."""
    allowed: tuple[float, float] | None
    """Pods that the documented algorithm wants at its highest: the least and the most."""
    outside_pod_seconds: float | None
    """How far pods were outside of what it allows, over the whole time."""
    peak_pods: int
    peak_ready: int
    high_water: int
    """Most requests inside one pod, as the witness counted; 0 where nobody did."""


@dataclass(frozen=True, eq=False)
class ServiceSummary:
    """A service under its loads."""

    history: History

    @cached_property
    def components(self) -> tuple[ComponentSummary, ...]:
        """The one that takes the traffic first."""
        return tuple(_component(self.history, name) for name in self.history.components)

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
        return _peak(total(list(self.history.pods.values())), self.history)

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


def _component(history: History, name: str) -> ComponentSummary:
    revisions = [revision for revision in history.component(name) if revision.pods]
    pods = [pod for revision in revisions for pod in revision.pods]
    counted = any(history.of(PodAutoscalerBody)) and bool(revisions)
    settings = parameters(history, revisions[-1]) if counted else None
    there, seen = ready(pods), total(pods)
    return ComponentSummary(
        name=name,
        metric=settings.metric if settings else "",
        target_value=settings.target_value if settings else math.nan,
        container_concurrency=revisions[-1].container_concurrency if revisions else 0,
        min_scale=settings.min_scale if settings else 0,
        max_scale=settings.max_scale if settings else 0,
        allowed=_allowed(history, revisions) if counted else None,
        outside_pod_seconds=_outside(history, name) if counted else None,
        peak_pods=_peak(seen, history),
        peak_ready=_peak(there, history),
        high_water=_high_water(history, [pod.name for pod in pods]),
    )


def _peak(counts: StepFunction, history: History) -> int:
    return int(counts.most(0.0, history.end)) if len(counts.times) else 0


def _area(counts: StepFunction, start: float, end: float) -> float:
    edges = np.concatenate(([start], counts.times[(counts.times > start) & (counts.times < end)], [max(start, end)]))
    return float((counts.at(edges[:-1]) * np.diff(edges)).sum())


def _allowed(history: History, revisions: list[Revision]) -> tuple[float, float] | None:
    if not any(len(load.rows) for load in history.loads):
        return None
    limits = [band(history, revision) for revision in revisions]
    return max(float(each.low.max()) for each in limits), max(float(each.high.max()) for each in limits)


def _outside(history: History, component: str) -> float | None:
    try:
        return inside_band(history, BandParameters(component=component)).measured.value
    except NotShownError:
        return None


def _high_water(history: History, pods: list[str]) -> int:
    found = [load.rows["high_water"][load.served_by(*pods)] for load in history.loads if len(load.rows)]
    return max((int(each.max()) for each in found if len(each)), default=0)
