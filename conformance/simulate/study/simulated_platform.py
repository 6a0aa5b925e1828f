"""A simulated platform around the exact autoscaler: timers, reports, scrapes and pods, each with its own chance."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.fault_hypotheses import FaultHypothesis
from conformance.model.activation import Mode
from conformance.model.collector import Stat
from conformance.model.kpa import Kpa
from conformance.model.parameters import Parameters
from conformance.model.sampling import sample_size

PROBE_PERIOD_SECONDS: Final = 10.0
"""queue-proxy's probe period, which quantises readiness after a slow start."""

REPORTS: Final = 10
"""Events of the first activator's reports; those of the next ones follow."""

Measure = Callable[[float, float], tuple[float, float]]
"""Gives (mean in flight, arrivals per second) between two times."""


@dataclass(slots=True)
class Pod:
    """One simulated pod; times in seconds, infinite where it never came to that."""

    name: str
    created: float
    ready: float = math.inf
    deleted: float = math.inf
    serves: float = math.inf


@dataclass(slots=True)
class Trace:
    """What the platform did."""

    pods: list[Pod] = field(default_factory=list)
    desired: list[tuple[float, int]] = field(default_factory=list)
    modes: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chances:
    """What cannot be seen from outside, drawn once per run."""

    tick_phase: float
    report_phase: float
    scrape_delay: float
    report_jitter: float
    start_seconds: float
    start_spread: float
    actuation_seconds: float
    probe_period: float
    late_reports: float = 0.0
    """Chance that an activator's report comes late, a tenth of a second or more, and so in the next second perhaps."""
    failing_scrapes: float = 0.0
    """Chance that a pod does not answer when asked. Up to four pods one silent pod loses the second."""
    young_share: float = 1.0
    """What a pod younger than a stable window carries of what an old one does, where pods serve directly."""


class SimulatedPlatform:
    """Runs one revision from `start` to `until` under a given load."""

    def __init__(
        self,
        parameters: Parameters,
        hypothesis: FaultHypothesis,
        chances: Chances,
        origin_wall: float,
        rng: np.random.Generator,
    ) -> None:
        self.trace = Trace()
        self._parameters = hypothesis.parameters(parameters)
        self._hypothesis = hypothesis
        self._chances = chances
        self._origin = origin_wall
        self._rng = rng
        self._kpa: Kpa | None = None
        self._replicas = 0
        self._number = 0
        self._proxying: float | None = None

    def first_serving(self, arrival: float) -> float:
        """When the first pod asked for at `arrival` serves, for loads that meet no pod."""
        return arrival + self._chances.actuation_seconds + self._chances.start_seconds + 0.2

    def run(self, start: float, until: float, activators: Sequence[Measure], arrivals: np.ndarray, owners: np.ndarray
            ) -> Trace:  # fmt: skip
        """`activators` measure what each of them passes on; `owners` tells which one takes each arrival."""
        kpa = self._kpa = Kpa(self._parameters, now=self._origin + start, ready=0)
        kpa.decider = self._hypothesis.decider(self._parameters, now=self._origin + start, ready=0)
        self._scale(start, max(1, self._parameters.initial_scale, self._parameters.min_scale), quick=True)
        events: list[tuple[float, int, str]] = []
        chances = self._chances
        heapq.heappush(events, (start + chances.tick_phase, 0, "tick"))
        begun = [math.floor(start) + 1 + (chances.report_phase + 0.37 * each) % 1.0 for each in range(len(activators))]
        for each, first in enumerate(begun):
            heapq.heappush(events, (first, REPORTS + each, "report"))
        # Decider and metric are made in one reconciliation (kpa.go ReconcileKind): scrapes follow the ticks' phase.
        heapq.heappush(events, (start + chances.tick_phase + chances.scrape_delay, 2, "scrape"))
        heapq.heappush(events, (start + 1.0, 3, "reconcile"))
        for at, owner in self._first_of_silence(arrivals, owners):
            heapq.heappush(events, (at, -1 - owner, "poke"))
        last = [start] * len(activators)
        counts = [0] * len(activators)
        scrapes = 0
        reported, poked = [False] * len(activators), [False] * len(activators)
        while events:
            t, order, what = heapq.heappop(events)
            if t >= until:
                break
            if what == "tick":
                self._tick(t)
                heapq.heappush(events, (t + 2.0, order, what))
            elif what == "poke":
                if kpa.desired == 0:
                    kpa.record(self._origin + t, Stat(concurrency=1.0, rps=1.0), from_activator=True)
                    poked[-1 - order] = True
                    self._tick(t)
            elif what == "report":
                each = order - REPORTS
                concurrency, rps = activators[each](max(last[each], t - 2.5), t)
                busy = concurrency > 0
                if poked[each]:
                    # The request told at once is left out of its second's report, which goes out all the same
                    # (concurrency_reporter.go).
                    concurrency, rps, poked[each] = max(0.0, concurrency - 1.0), max(0.0, rps - 1.0), False
                last[each] = t
                if self._through_activator(t) and (busy or reported[each]):
                    kpa.record(self._origin + t, Stat(concurrency=concurrency, rps=rps), from_activator=True)
                    reported[each] = busy
                counts[each] += 1
                heapq.heappush(events, (max(t + 0.1, begun[each] + counts[each] + self._lateness()), order, what))
            elif what == "scrape":
                self._scrape(t, activators)
                scrapes += 1
                # A ticker keeps its schedule; the answer comes a little later each time.
                due = start + chances.tick_phase + chances.scrape_delay + scrapes
                heapq.heappush(events, (due + abs(self._rng.normal(0.0, chances.report_jitter / 3.0)), order, what))
            else:
                self._reconcile(t)
                heapq.heappush(events, (t + 1.0, order, what))
        return self.trace

    def _lateness(self) -> float:
        """A ticker keeps its schedule but for jitter; a starved process sends late now and then."""
        usual = float(self._rng.normal(0.0, self._chances.report_jitter))
        late = self._rng.random() < self._chances.late_reports
        return usual + (min(0.8, 0.1 + float(self._rng.exponential(0.15))) if late else 0.0)

    def _first_of_silence(self, arrivals: np.ndarray, owners: np.ndarray) -> list[tuple[float, int]]:
        """(time, activator) of arrivals that follow a second without any."""
        if not len(arrivals):
            return []
        order = np.argsort(arrivals, kind="stable")
        first = np.concatenate(([True], np.diff(arrivals[order]) > 1.0))
        return [(float(arrivals[each]), int(owners[each])) for each in order[first]]

    def _through_activator(self, t: float) -> bool:
        assert self._kpa is not None
        return self._kpa.mode is Mode.PROXY or self._ready(t) == 0

    def _scrape(self, t: float, activators: Sequence[Measure]) -> None:
        kpa = self._kpa
        assert kpa is not None
        ready = self._ready(t)
        if not self._parameters.scrape or ready == 0:
            return
        asked = sample_size(ready)
        silent = int(self._rng.binomial(ready, self._chances.failing_scrapes))
        if ready - silent < asked:
            return
        if self._through_activator(t):
            kpa.record(self._origin + t, Stat(), from_activator=False)
            return
        # What is served is the last second that queue-proxy finished.
        end = math.floor(t - self._chances.report_phase) + self._chances.report_phase
        seen = [measure(end - 1.0, end) for measure in activators]
        concurrency, rps = (sum(figures) for figures in zip(*seen, strict=True))
        factor = self._sampled(t, ready, asked, concurrency) if asked < ready else 1.0
        kpa.record(self._origin + t, Stat(concurrency=concurrency * factor, rps=rps * factor), from_activator=False)

    def _sampled(self, t: float, ready: int, asked: int, concurrency: float) -> float:
        """What the pods that are asked make of a whole of one: old pods are asked first and stand for all."""
        born = np.array([pod.ready for pod in self.trace.pods if pod.ready <= t < pod.deleted])
        young = born > t - self._parameters.stable_window_seconds
        spread = 1.0 / math.sqrt(max(concurrency / ready, 0.2))
        weights = np.where(young, self._chances.young_share, 1.0)
        shares = np.maximum(0.0, weights * (1.0 + 0.5 * spread * self._rng.standard_normal(ready)))
        shares /= max(shares.sum(), 1e-9)
        first, rest = shares[~young], shares[young]
        if len(first) >= asked:
            first = self._rng.permutation(first)
        else:
            rest = self._rng.permutation(rest)
        return float(np.concatenate((first, rest))[:asked].sum()) / asked * ready

    def _tick(self, t: float) -> None:
        assert self._kpa is not None
        _, changed = self._kpa.tick(self._origin + t, self._ready(t))
        if changed:
            self._reconcile(t)

    def _reconcile(self, t: float) -> None:
        kpa = self._kpa
        assert kpa is not None
        before = kpa.mode
        backed = kpa.mode is Mode.PROXY or self._ready(t) == 0
        self._proxying = (t if self._proxying is None else self._proxying) if backed else None
        found = kpa.reconcile(
            self._origin + t,
            ready=self._ready(t),
            replicas=self._replicas,
            proxying_since=None if self._proxying is None else math.floor(self._origin + self._proxying),
        )
        if not self.trace.modes or before is not kpa.mode:
            self.trace.modes.append((t, kpa.mode.value))
        if not self.trace.desired or self.trace.desired[-1][1] != found.want:
            self.trace.desired.append((t + self._rng.uniform(0.005, 0.05), found.want))
        if found.replicas is not None:
            self._scale(t, found.replicas)

    def _scale(self, t: float, replicas: int, quick: bool = False) -> None:
        self._replicas = replicas
        alive = [pod for pod in self.trace.pods if pod.deleted == math.inf]
        at = t + (0.0 if quick else self._rng.uniform(0.2, 1.0) * self._chances.actuation_seconds)
        for _ in range(replicas - len(alive)):
            self._number += 1
            created = at + self._rng.uniform(0.0, 0.05)
            serves = created + self._chances.start_seconds * (
                1.0 + self._chances.start_spread * abs(self._rng.standard_normal())
            )
            ready = serves + self._rng.uniform(0.0, self._chances.probe_period)
            name = f"flowers-sample-predictor-00001-deployment-x-{self._number:03d}"
            self.trace.pods.append(Pod(name, created, ready, serves=serves))
        if replicas < len(alive):
            # The youngest and the not yet ready go first.
            alive.sort(key=lambda pod: (pod.ready > t, pod.created), reverse=True)
            for pod in alive[: len(alive) - replicas]:
                pod.deleted = max(at, pod.created + 0.01)

    def _ready(self, t: float) -> int:
        return sum(pod.ready <= t < pod.deleted for pod in self.trace.pods)


def measure(occupancy: Occupancy, arrivals: Arrivals) -> Measure:
    """Mean in flight and arrivals per second between two times, as an activator counts them."""

    def load(begin: float, end: float) -> tuple[float, float]:
        edges = np.array([begin, end])
        return float(occupancy.mean(edges)[0]), float(arrivals.mean(edges)[0])

    return load
