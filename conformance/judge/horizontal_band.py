"""The replicas that a conforming HorizontalPodAutoscaler may ask for, second by second, and what a wrong one would.

When the controller looks is not to be seen from outside, nor, to a few seconds, which figures it finds then. So the
exact model looks in its place, at every phase of the 15 seconds and with the earliest and the latest view of the
metrics API, each time on the recorded replicas, pods and figures; the band spans what any of them asks for. Besides,
each change of replicas has to be what one of them asks for on the replicas before it: an autoscaler that has just gone
wrong finds other replicas from then on, which a conforming one might keep.

A wrong autoscaler (`horizontal_faults`) decides on from its own replicas: what would have been seen of it.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from conformance.judge.history import History
from conformance.judge.horizontal_record import Early, HorizontalRecord, horizontal_records
from conformance.judge.once import once
from conformance.judge.step_function import Floats, StepFunction
from conformance.model.horizontal_autoscaler import HorizontalAutoscaler, HorizontalSpec, Workload
from conformance.model.replica_calculation import HorizontalSettings

SETTINGS: Final = HorizontalSettings()
"""kube-controller-manager's defaults: no API tells what a cluster's own are."""
PHASES: Final = 5
"""At which the model looks, evenly over the sync period: figures change at most as often as that."""
ACTING_SECONDS: Final = 2.0
"""From a look to the changed replicas as a watch reports them, and what the period takes longer than it says."""
STEP_SECONDS: Final = 1.0
PERIOD_SECONDS: Final = SETTINGS.sync_seconds + 0.02
"""From look to look: the controller counts its 15 s from the end of a look. Recommendations of exactly 300 s ago, which
some rules keep and some forget, are so met as seldom as in its life."""
AHEAD_SECONDS: Final = SETTINGS.sync_seconds / PHASES + 0.5
"""A controller between two phases of the model forgets a recommendation so much earlier than the later one."""
ASKED_SECONDS: Final = (
    (-ACTING_SECONDS, -ACTING_SECONDS),
    (-1.0, -1.0),
    (0.0, -0.5),
    (0.0, -0.001),
    (AHEAD_SECONDS, -0.5),
    (AHEAD_SECONDS, -0.001),
)
"""When the controller may have looked, from the report of a change, and as of when it saw pods and figures: before the
pods that the change makes, of which some may be reported before it, or takes away."""

EARLY: Final[tuple[Early, ...]] = ((True, True), (False, False), (True, False), (False, True))
View: TypeAlias = tuple[float, Early]
"""A phase in seconds, and which answers of the metrics API are seen at the earliest."""
VIEWS: Final[tuple[View, ...]] = tuple(
    (SETTINGS.sync_seconds * phase / PHASES, early) for phase in range(PHASES) for early in EARLY
)


def _same(spec: HorizontalSpec) -> HorizontalSpec:
    return spec


def _seen(record: HorizontalRecord, seen: Workload) -> Workload:
    del record
    return seen


def _decided(before: int, wanted: int) -> int:
    del before
    return wanted


@dataclass(frozen=True, slots=True)
class HorizontalFault:
    """A way to decide wrongly: other settings, another spec, another view, another outcome."""

    settings: HorizontalSettings = SETTINGS
    spec: Callable[[HorizontalSpec], HorizontalSpec] = _same
    view: Callable[[HorizontalRecord, Workload], Workload] = _seen
    outcome: Callable[[int, int], int] = _decided
    """From the replicas before and those decided to those asked for."""
    gives_up: bool = False
    """Whether it decides nothing more once metrics have been away."""


class Member:
    """A conforming autoscaler with one view, and its state after each of its looks."""

    def __init__(self, record: HorizontalRecord, view: View) -> None:
        self._record = record
        self._early = view[1]
        self.looks: list[tuple[float, int, bool]] = []
        """Time, replicas asked for, whether the metrics said something."""
        self.told: list[tuple[float, Mapping[str, tuple[bool, str]]]] = []
        """Time and conditions of each look: type to (status, reason)."""
        self._times: list[float] = []
        self._states = [HorizontalAutoscaler(record.spec(record.start), SETTINGS)]
        t = record.start + view[0]
        while t < record.end:
            self._look(t)
            t += PERIOD_SECONDS

    def _look(self, t: float) -> None:
        replicas = int(self._record.replicas.value(t))
        first, *others = self._record.workloads(t, replicas, early=self._early)
        for other in others:
            found = self._at(self._states[-1], t).decide(t, other)
            self.looks.append((t, found.replicas, found.recommended is not None))
        autoscaler = self._at(self._states[-1], t)
        decision = autoscaler.decide(t, first)
        self.told.append((t, decision.conditions))
        self.looks.append((t, decision.replicas, decision.recommended is not None))
        self._times.append(t)
        self._states.append(autoscaler)

    def asks(self, t: float, seen: Workload) -> int:
        """What it would ask for had it looked at a time and seen this."""
        return self._at(self._states[bisect.bisect_right(self._times, t)], t).decide(t, seen).replicas

    def _at(self, state: HorizontalAutoscaler, t: float) -> HorizontalAutoscaler:
        """A copy that goes by the spec of a time."""
        autoscaler = state.copy()
        autoscaler.spec = self._record.spec(t)
        return autoscaler


@dataclass(frozen=True, slots=True)
class HorizontalBand:
    """What is allowed at each of `times`."""

    times: Floats
    low: Floats
    high: Floats
    known: Floats
    """Whether the metrics said anything yet; where not, nothing is judged."""
    record: HorizontalRecord
    members: tuple[Member, ...]

    def outside(self, replicas: StepFunction) -> tuple[Floats, Floats]:
        """Pods too few and pods too many at each time."""
        seen = replicas.at(self.times)
        few, many = np.maximum(0.0, self.low - seen), np.maximum(0.0, seen - self.high)
        changes = replicas.changes(float(self.times[0]), float(self.times[-1]))
        ends = [*(t for t, _, _ in changes[1:]), np.inf]
        for (t, before, after), end in zip(changes, ends, strict=False):
            low, high = self._allowed(t, int(before))
            since = (self.times >= t) & (self.times < end)
            few[since] = np.maximum(few[since], low - after)
            many[since] = np.maximum(many[since], after - high)
        return few * self.known, many * self.known

    def _allowed(self, t: float, before: int) -> tuple[float, float]:
        """Least and most that a change from these replicas may lead to."""
        asked = [
            member.asks(t + later, workload)
            for later, seen in ASKED_SECONDS
            for workload in _different(self.record, t + seen, before)
            for member in self.members
        ]
        return float(min(asked)), float(max(asked))


def _different(record: HorizontalRecord, t: float, replicas: int) -> list[Workload]:
    """What may be seen at a time: its pods, and the figures of any view."""
    found: list[Workload] = []
    for early in EARLY:
        found += (seen for seen in record.workloads(t, replicas, early=early) if seen not in found)
    return found


@once
def horizontal_bands(history: History) -> tuple[tuple[HorizontalRecord, HorizontalBand], ...]:
    """Each autoscaler of a recording with its band."""
    return tuple((record, band_of(record)) for record in horizontal_records(history))


def band_of(record: HorizontalRecord) -> HorizontalBand:
    """The band of one autoscaler."""
    times = np.arange(record.start, max(record.end, record.start + STEP_SECONDS), STEP_SECONDS)
    low, high = np.full(len(times), np.inf), np.full(len(times), -np.inf)
    known = np.zeros(len(times))
    back = SETTINGS.sync_seconds + ACTING_SECONDS
    members = tuple(Member(record, view) for view in VIEWS)
    for member in members:
        for t, wanted, told in member.looks:
            first = int(np.searchsorted(times, t - AHEAD_SECONDS))
            last = int(np.searchsorted(times, t + back, side="right"))
            low[first:last] = np.minimum(low[first:last], wanted)
            high[first:last] = np.maximum(high[first:last], wanted)
            if told:
                known[first:] = 1.0
    return HorizontalBand(times, low, high, known, record, members)


def wrong_courses(record: HorizontalRecord, fault: HorizontalFault) -> Iterator[StepFunction]:
    """Replicas by a wrong autoscaler, by each view."""
    for phase, early in VIEWS:
        autoscaler = HorizontalAutoscaler(fault.spec(record.spec(record.start)), fault.settings)
        t = record.start + phase
        replicas = int(record.replicas.value(t)) or 1
        points = [(0.0, float(record.replicas.value(0.0))), (record.start, float(replicas))]
        served = False
        while t < record.end:
            autoscaler.spec = fault.spec(record.spec(t))
            seen = fault.view(record, record.workload(t, replicas, early=early))
            if fault.gives_up and served and seen.usages is None:
                break
            served = served or seen.usages is not None
            replicas = fault.outcome(replicas, autoscaler.decide(t, seen).replicas)
            points.append((t, float(replicas)))
            t += SETTINGS.sync_seconds
        yield StepFunction.of(points)
