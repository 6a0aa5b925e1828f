"""What a recording would have shown of its pods on a platform with a fault, by the same load and the same ready pods.

A fault of the autoscaler decides anew (`fault_hypotheses`), at every tick phase and by the least and by the greatest
load that it may have measured. A fault in carrying out what was decided changes the recorded counts. There are several
suppositions to a fault, since one platform that has it may measure otherwise than the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge import ensemble, subject
from conformance.judge.arrivals import Load
from conformance.judge.band import START_SECONDS, STEP_SECONDS, bounded
from conformance.judge.expectations import parameters as resolved
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES, FaultHypothesis
from conformance.judge.history import NEVER, Counts, History, Revision
from conformance.judge.horizontal_faults import HORIZONTAL_FAULTS, horizontal_suppositions
from conformance.judge.measured_load import Member, Windows, measured
from conformance.judge.once import once
from conformance.judge.step_function import StepFunction
from conformance.model.parameters import Parameters

REPORT_PHASE: Final = 0.6
LAG_SECONDS: Final = 40.0
"""So late `pods-lag-behind` brings the wanted count."""
BACK_SECONDS: Final = (15.0, 45.0)
"""From zero to the pod that `zero-then-back-up` starts, and to its going."""

AWAITED_SECONDS: Final = 600.0
"""Longer than any scenario waits for zero."""

Supposed: TypeAlias = Mapping[str, Counts]
"""Counts by revision."""


def suppose(history: History, parameters: CheckParameters, fault: str) -> tuple[History, ...]:
    """The same recording on platforms with a fault; empty for one that shows in other things than pod counts."""
    if fault in HORIZONTAL_FAULTS:
        return tuple(horizontal_suppositions(history, fault))
    component = subject.component(history, parameters)
    supposed = tuple(history.supposing(counts) for counts in _supposed(history, component, fault))
    if fault in _AWAITED:
        return tuple(replace(each, end=each.end + AWAITED_SECONDS) for each in supposed)
    return supposed


def known() -> frozenset[str]:
    """The faults that can be supposed."""
    return (
        frozenset(FAULT_HYPOTHESES)
        | frozenset(HORIZONTAL_FAULTS)
        | frozenset(_SWAPPED)
        | _AS_BEFORE
        | frozenset(_CARRIED_OUT)
    )


def local(fault: str) -> bool:
    """Whether a fault shows in some services alone, so that only a recording made for it tells."""
    if deciding := FAULT_HYPOTHESES.get(fault):
        return deciding.local
    return fault in known()


@once
def _supposed(history: History, component: str, fault: str) -> tuple[Supposed, ...]:
    revisions = [each for each in history.component(component) if each.pods]
    if change := _CARRIED_OUT.get(fault):
        return ({each.name: change(history, each) for each in revisions},)
    if fault in _AS_BEFORE:
        hypothesis, other = FaultHypothesis(fault), component
    elif fault in _SWAPPED:
        hypothesis, other = FaultHypothesis(fault), _SWAPPED[fault]
    elif fault in FAULT_HYPOTHESES:
        hypothesis, other = FAULT_HYPOTHESES[fault], component
    else:
        return ()
    settings = {each.name: _settings(history, each, hypothesis, other) for each in revisions}
    if fault in _AS_BEFORE and revisions:
        settings = dict.fromkeys(settings, settings[revisions[0].name])
    return tuple(
        {each.name: decided(history, each, settings[each.name], hypothesis, high, phase) for each in revisions}
        for high in (False, True)
        for phase in ensemble.TICK_PHASES
    )


def _settings(history: History, revision: Revision, hypothesis: FaultHypothesis, component: str) -> Parameters:
    """What a wrong autoscaler goes by: the settings of the revision, or those of another component."""
    others = history.component(component)
    source = revision if component == revision.component or not others else others[-1]
    return hypothesis.parameters(resolved(history, source))


def decided(
    history: History, revision: Revision, settings: Parameters, hypothesis: FaultHypothesis, high: bool, phase: float
) -> Counts:
    """Counts by a wrong autoscaler: pods as soon as they are wanted, from its first decision on. Whether it panics
    hangs on the ready pods that it would have had itself."""
    first = min((pod.first_ready for pod in revision.pods), default=NEVER)
    start = min(first, history.end) + START_SECONDS
    ends = min(revision.superseded, history.end)
    if start >= ends:
        return Counts(revision.total, revision.desired, revision.ready)
    wanted = _wanted(history, revision, settings, hypothesis, start, high, phase)
    ready = revision.ready.from_on(start, _started(revision, wanted))
    total = revision.total.from_on(start, wanted)
    desired = None if revision.desired is None else revision.desired.from_on(start, wanted)
    if revision.superseded != NEVER:
        total = total.from_on(revision.superseded, revision.total)
        desired = None if desired is None or revision.desired is None else desired.from_on(ends, revision.desired)
    return Counts(total, desired, ready)


def _wanted(
    history: History,
    revision: Revision,
    settings: Parameters,
    hypothesis: FaultHypothesis,
    start: float,
    high: bool,
    phase: float,
) -> StepFunction:
    member = Member(high, phase, REPORT_PHASE, 0.0, plain=True)
    own = ensemble.OwnPods(start, start_seconds(revision))
    load = measured(history, revision, member, Windows.of(settings))
    course = ensemble.course(load, settings, hypothesis.decider, own)
    times = np.arange(start, max(history.end, start + 1.0), STEP_SECONDS)
    counts = bounded(course.desired.at(times), settings, times >= revision.superseded)
    # A revision that has not been active for a stable window keeps its last pod (scaler.go).
    held = times < (start if hypothesis.hasty else start + settings.stable_window_seconds)
    counts[held] = np.maximum(1.0, counts[held])
    return StepFunction.of(zip(times.tolist(), counts.tolist(), strict=True))


def start_seconds(revision: Revision) -> float:
    """From a pod's creation until it was ready, at the median."""
    took = sorted(pod.first_ready - pod.seen for pod in revision.pods if pod.first_ready != NEVER and not pod.listed)
    return took[len(took) // 2] if took else 0.0


def _started(revision: Revision, wanted: StepFunction) -> StepFunction:
    """Ready pods where pods are made as they are wanted."""
    late = start_seconds(revision)
    starts: list[float] = []
    ends: list[float] = []
    for at, before, after in wanted.changes(-1.0, NEVER):
        starts += [at + late] * int(max(0.0, after - before))
        ends += [at] * int(max(0.0, before - after))
    # A pod that goes before it was ready never counts.
    return StepFunction.counting(starts, [max(end, start) for start, end in zip(sorted(starts), ends, strict=False)])


def _changed(revision: Revision, change: Callable[[StepFunction], StepFunction]) -> Counts:
    """The recorded counts changed from the first ready pod on."""
    first = min((pod.first_ready for pod in revision.pods), default=NEVER)
    if first == NEVER:
        return Counts(revision.total, revision.desired, revision.ready)
    desired = revision.desired
    return Counts(
        revision.total.from_on(first, change(revision.total)),
        None if desired is None else desired.from_on(first, change(desired)),
        revision.ready,
    )


def _never_zero(history: History, revision: Revision) -> Counts:
    del history
    return _changed(revision, lambda count: count.at_least(1.0))


def _zero_once(history: History, revision: Revision) -> Counts:
    """Once pods are back from zero, one stays."""
    back = next((end for zero, end in _at_zero(history, revision) if end < history.end), None)
    if back is None:
        return Counts(revision.total, revision.desired, revision.ready)
    desired = None if revision.desired is None else revision.desired.from_on(back, revision.desired.at_least(1.0))
    return Counts(revision.total.from_on(back, revision.total.at_least(1.0)), desired, revision.ready)


def _late(history: History, revision: Revision) -> Counts:
    del history
    return replace(_changed(revision, lambda count: count.later(LAG_SECONDS)), desired=revision.desired)


def _back_up(history: History, revision: Revision) -> Counts:
    total = revision.total
    for zero, end in _at_zero(history, revision):
        back = zero + BACK_SECONDS[0]
        if back < end:
            last = min(end, zero + BACK_SECONDS[1])
            pod = StepFunction.of([(back, 1.0), (last, 0.0)])
            total = total.from_on(back, pod).from_on(last, revision.total)
    return Counts(total, revision.desired, revision.ready)


def _at_zero(history: History, revision: Revision) -> Iterator[tuple[float, float]]:
    """(beginning, end) of every stretch at zero pods."""
    first = min((pod.first_ready for pod in revision.pods), default=NEVER)
    changes = [*revision.total.changes(revision.seen, history.end), (history.end, 0.0, 0.0)]
    for (at, _, value), (following, _, _) in pairwise(changes):
        if value == 0 and at > first:
            yield at, following


def _without_grace(history: History, revision: Revision) -> Counts:
    """The last pod goes as soon as a stable window has passed since the last answer."""
    settings = resolved(history, revision)
    total, desired = revision.total, revision.desired
    for load in _loads(history):
        due = load.last + settings.stable_window_seconds
        zero = next((at for at, _, value in total.changes(load.last, history.end) if value == 0), NEVER)
        if due < zero < NEVER:
            total = total.from_on(due, StepFunction.of([(due, 0.0)])).from_on(zero, total)
    return Counts(total, desired, revision.ready)


def _one_at_first(history: History, revision: Revision) -> Counts:
    """One pod until the first load."""
    begin = min((load.start for load in _loads(history)), default=history.end)
    desired = None if revision.desired is None else revision.desired.at_most(1.0).from_on(begin, revision.desired)
    return Counts(revision.total.at_most(1.0).from_on(begin, revision.total), desired, revision.ready)


def _loads(history: History) -> list[Load]:
    return sorted((load for load in history.loads if len(load.rows)), key=lambda load: load.start)


_SWAPPED: Final[Mapping[str, str]] = {
    "transformer-gets-predictor-settings": "predictor",
    "predictor-gets-transformer-settings": "transformer",
}
"""Faults by which a component is scaled by the settings of this one."""
_AWAITED: Final = frozenset({"zero-never", "zero-once-only", "min-replicas-0-ignored"})
"""Faults for whose zero a scenario would have waited on and on."""
_AS_BEFORE: Final = frozenset({"target-change-ignored", "metric-change-ignored"})
"""Faults by which a changed service is scaled by the settings that it had first."""
_CARRIED_OUT: Final[Mapping[str, Callable[[History, Revision], Counts]]] = {
    "zero-never": _never_zero,
    "zero-once-only": _zero_once,
    "min-replicas-0-ignored": _never_zero,
    "zero-then-back-up": _back_up,
    "grace-period-ignored": _without_grace,
    "initial-scale-ignored": _one_at_first,
    "pods-lag-behind": _late,
}
