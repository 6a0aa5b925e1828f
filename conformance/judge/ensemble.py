"""Conforming autoscalers that differ in what cannot be seen from outside, all driven by the recorded load and pods.

Each member decides with the exact model. Members differ in the phase of their two-second tick, in the phase and age of
the one-second reports, and in the side of the demand they measure. On the high side a report counted twice lifts both
means all the time; on the low side every thirtieth report is lost, each member losing others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from conformance.judge.history import Revision
from conformance.judge.measured_load import LOSS_PERIOD, Look, MeasuredLoad, Member
from conformance.judge.step_function import StepFunction
from conformance.model.decider import Decider
from conformance.model.parameters import Parameters
from conformance.model.scaler import clamp

TICK_PHASES: Final = (0.0, 0.5, 1.0, 1.5)
PHASE_SECONDS: Final = 0.5
REPORTS: Final = ((0.1, 0.0), (0.6, 0.0), (0.9, 1.0))
"""(phase of the reports within a second, age of a report when it arrives), seconds."""
SOON_PHASE: Final = 0.95
"""Reports so late in a second tell of a load that begins in it still in that second: a young service's mean, which is
over few seconds, knows it one second sooner."""
LATE_PHASE: Final = 0.72
"""A scrape follows its tick by up to a quarter of a second (23 real recordings, and the way through the API server)."""
CHANGE_LAG_SECONDS: Final = 0.12
"""From a tick to the change of the wanted count that a watch sees."""
PHASE_AGREEMENT: Final = 0.7
"""Length of the mean direction of the phases, 1 when all agree."""
FIRST_SECONDS: Final = 1.0
"""An activator that saw nothing for a second starts anew: its first report is the mean since the first request, and
stands for a whole second (pkg/activator/handler/concurrency_reporter.go). Counting twice makes up for it as well."""
UNREACHABLE_SECONDS: Final = 10.0
"""Latest time after its successor is ready at which a revision counts as unreachable."""


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
        yield Member(True, phase, SOON_PHASE, 0.0, doubled=doubled, first_once=True)


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
    measured: MeasuredLoad,
    settings: Parameters,
    decides: type[Decider] = Decider,
    own: OwnPods | None = None,
    *,
    panics: bool = True,
    leaves: float | None = None,
) -> Course:
    """Run one member from the revision's first sight on, by the recorded ready pods or from some moment on by those
    that it would have had itself. It takes the revision for one that traffic has left from `leaves` on, by default as
    late (or, on the low side, as soon) as it may. Times in the result count from the recording."""
    state = _State(measured, settings, decides, own, panics, leaves)
    high, plain = measured.member.high, measured.member.plain
    pokes: tuple[int, ...] = ()
    supposed, seconds = measured.likely, measured.seconds(measured.likely)
    for number, first in enumerate(measured.first):
        for look in seconds[number].ticks:
            state.tick(look)
        # Before its first decision an autoscaler may or may not want nothing already.
        poked = first is not None and (state.last == 0 or (high and not plain and state.last < 0))
        if poked:
            pokes = (*pokes, number)
        if poked != (number in supposed):
            supposed, seconds = pokes, measured.seconds(pokes)
        poke = seconds[number].poke
        if poke is not None:
            state.decide(poke)
    for look in seconds[len(measured.first)].ticks:
        state.tick(look)
    measured.likely = pokes
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
        measured: MeasuredLoad,
        settings: Parameters,
        decides: type[Decider],
        own: OwnPods | None,
        panics: bool,
        leaves: float | None,
    ) -> None:
        revision = measured.revision
        self._own = own
        self._origin_wall = measured.origin_wall
        if leaves is None:
            leaves = revision.left_by + UNREACHABLE_SECONDS if measured.member.high else revision.superseded
        self._leaves = leaves
        self._decider = decides(settings, now=self._origin_wall + revision.seen, ready=0)
        if not panics:
            self._decider.parameters = replace(settings, panic_threshold=1e9)
        self._ready = revision.ready
        high = measured.member.high and not measured.member.plain
        self._doubts_ready = high and own is None and settings.scale_down_delay_seconds > 0
        self.last = -1
        self._panicked = False
        self._forgets = decides is Decider and not settings.scale_down_delay_seconds
        """Without load and outside of panic it decides the same for the same ready pods."""
        self._at_rest: tuple[int, Parameters] | None = None
        """What it decided by last, where it had no load."""
        self.desired: list[tuple[float, float]] = []
        self.panicking: list[tuple[float, float]] = []

    def tick(self, look: Look) -> None:
        """Decide, from some time on as one that traffic has left."""
        parameters = self._decider.parameters
        if look.t >= self._leaves and parameters.reachable:
            self._decider.parameters = replace(parameters, reachable=False, min_scale=0)
        self.decide(look)

    def decide(self, look: Look) -> None:
        """Decide by what is seen; without reports nothing is."""
        if look.observed is None:
            return
        t, ready = look.t, look.ready
        if self._own is not None:
            ready = self._own.ready(t, ready)
        if self._doubts_ready:
            # What a delay remembers for minutes hangs on the pods of one moment: of any since the phase before.
            recent = self._ready.most(t - PHASE_SECONDS, t)
            if recent > ready:
                self._decider.decide(self._origin_wall + t, int(recent), look.observed)
        at_rest = (ready, self._decider.parameters) if self._forgets and look.idle else None
        if at_rest is None or at_rest != self._at_rest:
            decision = self._decider.decide(self._origin_wall + t, ready, look.observed)
            if self._own is not None:
                self._own.want(t, clamp(decision.desired, self._decider.parameters, initialized=True))
            self.last = decision.desired
            self._at_rest = None if decision.panicking else at_rest
            self._panicked = decision.panicking
        _follow(self.desired, t, float(self.last))
        _follow(self.panicking, t, float(self._panicked))


def _follow(points: list[tuple[float, float]], t: float, value: float) -> None:
    """Only changes count, and what comes at the time of one."""
    if not points or value != points[-1][1] or t <= points[-1][0]:
        points.append((t, value))
