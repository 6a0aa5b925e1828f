"""Conforming autoscalers that differ in what cannot be seen from outside, all driven by the recorded load and pods.

Each member decides with the exact model. Members differ in the phase of their two-second tick, in the phase and age of
the one-second reports, and in the side of the demand they measure. On the high side a report counted twice lifts both
means all the time; on the low side every thirtieth report is lost, each member losing others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from conformance.judge.arrivals import Arrivals, Occupancy
from conformance.judge.demand import Demand
from conformance.judge.history import Revision
from conformance.judge.step_function import Floats, StepFunction
from conformance.model.collector import Observation
from conformance.model.config import TICK_SECONDS
from conformance.model.decider import Decider
from conformance.model.keys import RPS
from conformance.model.parameters import Parameters
from conformance.model.scaler import clamp
from conformance.model.window import Window, smoothing

TICK_PHASES: Final = (0.0, 0.5, 1.0, 1.5)
REPORTS: Final = ((0.1, 0.0), (0.6, 0.0), (0.9, 1.0))
"""(phase of the reports within a second, age of a report when it arrives), seconds."""
LOSS_PERIOD: Final = 30
"""On the low side one report in so many is lost."""
DOUBLED: Final = 2.0
"""On the high side so many reports of a stable window are counted twice."""
LATE_PHASE: Final = 0.72
"""A scrape follows its tick by up to a quarter of a second (23 real recordings, and the way through the API server)."""
CHANGE_LAG_SECONDS: Final = 0.12
"""From a tick to the change of the wanted count that a watch sees."""
PHASE_AGREEMENT: Final = 0.7
"""Length of the mean direction of the phases, 1 when all agree."""
FIRST_SECONDS: Final = 1.0
"""An activator that saw nothing for a second starts anew: its first report is the mean since the first request, and
stands for a whole second (pkg/activator/handler/concurrency_reporter.go). Counting twice makes up for it as well."""
JITTER: Final = 0.02
"""Share of the load that the low side misses and the high side adds: seconds that are not quite a second long, and
arrivals on their edges."""
UNREACHABLE_SECONDS: Final = 10.0
"""Latest time after its successor is ready at which a revision counts as unreachable."""
PROXY: Final = "Proxy"


@dataclass(frozen=True, slots=True)
class Member:
    """One conforming autoscaler."""

    high: bool
    tick_phase: float
    report_phase: float
    report_age: float
    loss: int = 0
    panics: bool = True
    plain: bool = False
    """No report is counted twice or lost: the likely course rather than an edge."""
    gap: bool = False
    """Every tick falls between the scrape of its second, which counts nothing, and the activator's report."""
    doubled: bool = True
    """On the high side: reports are counted twice all the time."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a member decided: counts before bounds, and whether it was in panic."""

    desired: StepFunction
    panicking: StepFunction

    @property
    def panicked(self) -> bool:
        """Whether it was in panic at any time."""
        return bool(self.panicking.values.any())


def members(gap: bool = False, doubled: bool = True) -> Iterator[Member]:
    """All members, low and high side; with `gap` low ones too that count a second of zero in each window, without
    `doubled` no high ones that count one twice in the panic window."""
    number = 0
    for phase in TICK_PHASES:
        for report_phase, age in REPORTS:
            yield Member(False, phase, report_phase, age, loss=(number * 5) % LOSS_PERIOD)
            yield Member(True, phase, report_phase, age, doubled=doubled)
            if not doubled:
                yield Member(True, phase, report_phase, age - FIRST_SECONDS, doubled=False)
            if gap:
                yield Member(False, phase, report_phase, age, loss=(number * 5) % LOSS_PERIOD, gap=True)
            number += 1


def gap_possible(revision: Revision, origin_wall: float) -> bool:
    """Whether ticks may fall between the scrape and the activator's report of the same second.

    Decider and metric are made in one reconciliation (kpa.go ReconcileKind), so the scrape follows the tick closely;
    only a tick late in its second finds the scrape of that second behind it. The phase shows in the times at which the
    wanted count changes; where it does not show, anything is possible. Several activators report at different times of
    a second, so that there every tick may find half a second reported; the caller knows how many there are."""
    if revision.desired is None:
        return True
    changes = revision.desired.changes(
        revision.seen, revision.desired.times[-1] if len(revision.desired.times) else 0.0
    )
    times = np.array([at for at, before, after in changes if before == before and after == after])
    if len(times) < 2:
        return True
    angles = 2.0 * np.pi * ((times + origin_wall) % 1.0)
    mean = complex(np.exp(1j * angles).mean())
    if abs(mean) < PHASE_AGREEMENT:
        return True
    phase = float(np.angle(mean) / (2.0 * np.pi) % 1.0)
    return phase > LATE_PHASE or phase < CHANGE_LAG_SECONDS


def course(
    member: Member,
    parameters: Parameters,
    demand: Demand,
    revision: Revision,
    origin_wall: float,
    until: float,
    decides: type[Decider] = Decider,
    own: OwnPods | None = None,
) -> Course:
    """Run one member from the revision's first sight to `until`, by the recorded ready pods or from some moment on by
    those that it would have had itself. Times in the result count from the recording."""
    start = revision.seen
    leaves = revision.superseded + (UNREACHABLE_SECONDS if member.high else 0.0)
    reports = np.arange(np.floor(start) + member.report_phase, until, 1.0)
    side = demand.most if member.high else demand.least
    loads = side.counted.between(reports - 1.0 - member.report_age, reports - member.report_age)
    unsettled = np.zeros(len(reports)) if member.plain else side.unsettled(reports - member.report_age)
    ticks = np.arange(start + member.tick_phase, until, TICK_SECONDS)
    ready_at_reports = revision.ready.at(reports)
    ready_at_ticks = revision.ready.at(ticks)
    noise = _noise(revision, ticks, ready_at_ticks, demand, member)
    decider = decides(parameters, now=origin_wall + start, ready=0)
    if not member.panics:
        decider.parameters = replace(parameters, panic_threshold=1e9)
    stable = Window(parameters.stable_window_seconds, weighted=parameters.weighted)
    panic = Window(parameters.panic_window_seconds, weighted=parameters.weighted)
    state = _State(member, decider, stable, panic, parameters, own)
    due = iter(zip(ticks.tolist(), ready_at_ticks.astype(int).tolist(), noise, strict=True))
    tick = next(due, None)
    previous = 0.0
    told = zip(reports.tolist(), loads.tolist(), unsettled.tolist(), ready_at_reports.astype(int).tolist(),
               _first_of_second(demand, reports), strict=True)  # fmt: skip
    for number, (at, value, open_count, ready, first) in enumerate(told):
        while tick is not None and tick[0] <= at:
            _tick(state, *tick, origin_wall, leaves)
            tick = next(due, None)
        # Before its first decision an autoscaler may or may not want nothing already.
        idle = state.last == 0 or (member.high and not member.plain and state.last < 0)
        poke = first if idle else None
        if poke is not None:
            _poke(state, poke, origin_wall, ready)
        scraped = parameters.scrape and ready >= 1
        # What the activator holds at zero pods has arrived there, although it reaches no pod yet.
        heard = scraped or value > 0 or previous > 0 or open_count > 0
        if heard and (member.high or (number + member.loss) % LOSS_PERIOD):
            if poke is not None:
                value = _first_report(member, side.counted, at, poke, value)
            state.record(origin_wall + at, value)
            state.unsettled = origin_wall + at, open_count
        previous = value
    while tick is not None:
        _tick(state, *tick, origin_wall, leaves)
        tick = next(due, None)
    return Course(StepFunction.of(state.desired), StepFunction.of(state.panicking))


class OwnPods:
    """The pods that a member would have had itself: each made as soon as it is wanted and ready after a while, the
    newest gone first."""

    def __init__(self, since: float, start_seconds: float) -> None:
        """By the recorded pods before `since`."""
        self._since = since
        self._start_seconds = start_seconds
        self._made: list[float] = []
        self._begun = False

    def ready(self, t: float, recorded: int) -> int:
        """How many are ready at a moment, given how many were."""
        if t < self._since:
            return recorded
        if not self._begun:
            self._made, self._begun = [-np.inf] * recorded, True
        return sum(made + self._start_seconds <= t for made in self._made)

    def want(self, t: float, count: int) -> None:
        """Make pods, or take the newest away."""
        if self._begun:
            del self._made[max(0, count) :]
            self._made += [t] * (count - len(self._made))


class _State:
    def __init__(
        self,
        member: Member,
        decider: Decider,
        stable: Window,
        panic: Window,
        parameters: Parameters,
        own: OwnPods | None,
    ) -> None:
        self.own = own
        self.member = member
        self.decider = decider
        self.stable = stable
        self.panic = panic
        self.parameters = parameters
        self.last = -1
        self.panicked = False
        self.forgets = type(decider) is Decider and not parameters.scale_down_delay_seconds
        """Without load and outside of panic it decides the same for the same ready pods."""
        self.at_rest: tuple[int, Parameters] | None = None
        """What it decided by last, where it had no load."""
        self.desired: list[tuple[float, float]] = []
        self.panicking: list[tuple[float, float]] = []
        second, share = 1.0 / parameters.stable_window_seconds, 1.0 / parameters.panic_window_seconds
        # With exponential weights the newest second alone is so much of the mean: counted twice, or not yet there.
        newest, newest_panic = (smoothing(math.ceil(window.seconds)) if parameters.weighted else 0.0
                                for window in (stable, panic))  # fmt: skip
        if member.plain:
            self.stable_factor = self.panic_factor = 1.0
        elif member.high:
            # A report that comes early counts in the second before, and its own second is not there yet: a mean is over
            # the seconds up to the last write (window.go linearAverage), so that one second less divides it.
            self.stable_factor = 1.0 + max(newest, DOUBLED / max(1.0, parameters.stable_window_seconds - 1.0))
            short = max(newest_panic, 1.0 / max(1.0, parameters.panic_window_seconds - 1.0))
            self.panic_factor = 1.0 + (short if member.doubled else 0.0) + JITTER
        else:
            # The panic window's lost seconds pass: what a panic wanted is kept.
            self.stable_factor = (1.0 - JITTER) * (1.0 - max(newest, second if member.gap else 0.0))
            self.panic_factor = (1.0 - JITTER) * (1.0 - share if member.gap else 1.0)
        # One arrival at a window's edge may fall on either side of it.
        arrival = 0.0 if member.plain or parameters.metric != RPS else (1.0 if member.high else -1.0)
        self.stable_edge, self.panic_edge = arrival * second, arrival * share
        self.unsettled = (0.0, 0.0)
        """When a report came, and the requests that a window may hold by then, or miss, beyond those reported."""

    def record(self, wall: float, value: float) -> None:
        self.stable.record(wall, value)
        self.panic.record(wall, value)

    def _averages(self, wall: float) -> tuple[float, float]:
        at, count = self.unsettled
        if not count:
            return self.stable.average(wall), self.panic.average(wall)
        self.record(at, count)
        means = max(0.0, self.stable.average(wall)), max(0.0, self.panic.average(wall))
        self.record(at, -count)
        return means

    def decide(self, t: float, wall: float, ready: int, noise: tuple[float, float]) -> None:
        if self.parameters.scrape and self.stable.is_empty(wall):
            return
        stable, panic = self._averages(wall)
        observed = Observation(
            stable * self.stable_factor * noise[0] + (self.stable_edge if stable > 0 else 0.0),
            panic * self.panic_factor * noise[1] + (self.panic_edge if panic > 0 else 0.0),
        )
        if self.own is not None:
            ready = self.own.ready(t, ready)
        at_rest = (ready, self.decider.parameters) if self.forgets and not stable and not panic else None
        if at_rest is None or at_rest != self.at_rest:
            decision = self.decider.decide(wall, ready, observed)
            if self.own is not None:
                self.own.want(t, clamp(decision.desired, self.decider.parameters, initialized=True))
            self.last = decision.desired
            self.at_rest = None if decision.panicking else at_rest
            self.panicked = decision.panicking
        self.desired.append((t, float(self.last)))
        self.panicking.append((t, float(self.panicked)))


def _tick(state: _State, t: float, ready: int, noise: tuple[float, float], origin_wall: float, leaves: float) -> None:
    if t >= leaves and state.decider.parameters.reachable:
        state.decider.parameters = replace(state.decider.parameters, reachable=False, min_scale=0)
    state.decide(t, origin_wall + t, ready, noise)


def _first_of_second(demand: Demand, reports: Floats) -> list[float | None]:
    """The first request in the second before each report, None where there was none."""
    if not len(demand.first):
        return [None] * len(reports)
    index = np.searchsorted(demand.first, reports - 1.0)
    first = demand.first[np.minimum(index, len(demand.first) - 1)]
    arrived = (index < len(demand.first)) & (first <= reports)
    return [at if came else None for at, came in zip(first.tolist(), arrived.tolist(), strict=True)]


def _first_report(member: Member, source: Occupancy | Arrivals, at: float, first: float, value: float) -> float:
    """What the activator reports first after a silence. The low side: the second's mean less the request that it
    reported already. The high side: the mean since the first request, all of it in the bucket of the poke."""
    if not member.high or isinstance(source, Arrivals):
        return max(0.0, value - 1.0)
    spent = float(source.until(np.array([at]))[0] - source.until(np.array([first]))[0])
    # The poke counted one; that the report leaves it out shows in the log alone.
    return max(value, spent / max(at - first, 0.05)) - (0.0 if member.doubled else 1.0)


def _poke(state: _State, first: float, origin_wall: float, ready: int) -> None:
    """The first request at zero is decided on at once (Knative pkg/autoscaler/scaling/multiscaler.go Poke)."""
    state.record(origin_wall + first, 1.0)
    state.decide(first, origin_wall + first, ready, (1.0, 1.0))


def _noise(
    revision: Revision, ticks: Floats, ready: Floats, demand: Demand, member: Member
) -> list[tuple[float, float]]:
    """Factors on the stable and the panic mean from sampling: only in Serve mode and with five pods or more."""
    modes = StepFunction.of([(t, float(mode != PROXY)) for t, mode in revision.modes])
    direct = modes.at(ticks) > 0
    found = [(1.0, 1.0)] * len(ticks)
    for position in np.flatnonzero(direct & (ready >= 5)).tolist():
        t, pods = ticks[position], ready[position]
        per_pod = float(demand.most.between(np.array([t - 6.0]), np.array([t]))[0]) / 6.0 / pods
        # Relative sd of one second at most 0.26 CV; draws of different seconds are independent (3 sd).
        spread = 3.0 * 0.26 / np.sqrt(max(per_pod, 0.05))
        sign = 1.0 if member.high else -1.0
        young = 1.25 if member.high else 1.0
        found[position] = (
            young * max(0.1, 1.0 + sign * spread / np.sqrt(60.0)),
            young * max(0.1, 1.0 + sign * spread / np.sqrt(6.0)),
        )
    return found
