"""Checks of panic mode, seen from outside: counts that panic alone explains, held and let go in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import ComponentParameters
from conformance.judge.band import ADDING_SECONDS, STEP_SECONDS, Band, outside
from conformance.judge.checks.pods import counts
from conformance.judge.finding import Finding, NotShownError, PodCounts, check, exact
from conformance.judge.history import Counts, History, Revision
from conformance.judge.judgement import Verdict
from conformance.judge.step_function import StepFunction
from conformance.judge.subject import loaded

MUST_SECONDS: Final = 6.0
"""The band and the highest calm count must lie apart at least this long for panic to be told from none."""
ENTERING_SECONDS: Final = 15.0
"""So much of a panic's beginning shows that it was entered."""


def _apart(limits: Band) -> np.ndarray:
    """Where every conforming autoscaler has more pods than any calm one."""
    apart: np.ndarray = (limits.low > limits.calm_high) & (limits.must_panic > 0)
    return apart


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicEnteredParameters(ComponentParameters):
    """Parameters of `panic-entered`."""

    least_pods: int | None = None
    """Pods that panic brings at the least; more than any calm autoscaler has without it."""


@check(
    "panic-entered", PanicEnteredParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED
)
def entered(history: History, parameters: PanicEnteredParameters) -> Finding:
    """More pods than the stable window alone explains, while every conforming autoscaler is in panic."""
    best: tuple[float, Revision, Band, np.ndarray] | None = None
    for revision, limits in loaded(history, parameters):
        apart = _apart(limits)
        if best is None or apart.sum() > best[0]:
            best = (float(apart.sum()), revision, limits, apart)
    assert best is not None
    _, revision, limits, apart = best
    if apart.sum() * STEP_SECONDS < MUST_SECONDS:
        raise NotShownError("no stretch of the load tells panic from calm")
    first = float(limits.times[apart][0])
    last = float(limits.times[apart][-1])
    seen, begun = _beginning(history.counts(revision), limits, apart, first)
    stretch = limits.times[begun]
    calm = limits.calm_high[begun]
    if parameters.least_pods is not None:
        calm = np.full(len(stretch), parameters.least_pods - 1.0)
    more = seen.at(stretch) > calm
    share = float(more.mean())
    since = float(stretch[more][0]) if more.any() else first
    facts = (
        f"t={first:.1f} s: from here on at least {limits.low[apart].max():g} pods in panic, at the most "
        f"{limits.calm_high[apart].max():g} without; seen {seen.at(stretch).max():g}",
    )
    return exact(
        share >= 0.9, "panic is entered: more pods than the stable window alone explains in the stretch where only "
        "panic explains them", share, "share of the stretch", low=0.9, high=1.0, samples=len(stretch),
        source="modelled", facts=facts, moments=((since, last, "panic"),),
    )  # fmt: skip


def _beginning(judged: Counts, limits: Band, apart: np.ndarray, first: float) -> tuple[StepFunction, np.ndarray]:
    """A count and where it tells that panic was entered; whether it holds is another question (panic-holds).

    Pods come late. Where that leaves nothing of the stretch, the wanted count tells, which the band leaves no time."""
    for count, late in ((judged.total, ADDING_SECONDS), (judged.desired, 0.0)):
        begun = apart & (limits.times >= first + late) & (limits.times <= first + late + ENTERING_SECONDS)
        if count is not None and begun.any() and not np.isnan(count.at(limits.times[begun])).any():
            return count, begun
    raise NotShownError("the stretch that tells panic from calm is too short")


@check("panic-holds", ComponentParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def holds(history: History, parameters: ComponentParameters) -> Finding:
    """No scale-down while every conforming autoscaler is in panic."""
    if not _was_entered(history, parameters):
        raise NotShownError("no panic was entered, so that none could hold")
    seconds = 0.0
    drops: list[tuple[float, str]] = []
    most = 0.0
    for revision, limits in loaded(history, parameters):
        for start, end in _stretches(limits):
            seconds += end - start
            for what, seen, _, _ in counts(history, revision):
                for at, before, after in seen.changes(start, end):
                    if after < before and not _replaced(revision, what, at, seen, before):
                        most = max(most, before - after)
                        drops.append((at, f"t={at:.1f} s: {what} fell from {before:g} to {after:g}"))
    if seconds < MUST_SECONDS:
        raise NotShownError("no stretch in which every conforming autoscaler is in panic")
    drops.sort()
    return exact(
        not drops, "the pod count never falls while in panic", len(drops), "scale-downs",
        high=0.0, samples=int(seconds), source="modelled", facts=tuple(text for _, text in drops[:3]),
        moments=tuple((at, at, text) for at, text in drops[:3]),
        notes=f"{seconds:.0f} s in which every conforming autoscaler panics",
    )  # fmt: skip


def _was_entered(history: History, parameters: ComponentParameters) -> bool:
    try:
        return entered(history, PanicEnteredParameters(component=parameters.component)).verdict is not Verdict.FAIL
    except NotShownError:
        return True


def _stretches(limits: Band) -> list[tuple[float, float]]:
    must = np.concatenate(([0.0], limits.must_panic, [0.0]))
    edges = np.diff((must > 0).astype(int))
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    return [
        (float(limits.times[start]), float(limits.times[end - 1]))
        for start, end in zip(starts, ends, strict=True)
        if end - start > 1
    ]


def _replaced(revision: Revision, what: str, at: float, seen: StepFunction, before: float) -> bool:
    """A pod that was evicted and replaced within a few seconds is not a scale-down."""
    return what == "pods" and revision.desired is not None and seen.most(at, at + ADDING_SECONDS) >= before


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicLeftParameters(ComponentParameters):
    """Parameters of `panic-left`."""

    within_seconds: float = 12.0
    """From the latest end of panic to the count that the stable window wants."""
    tolerance_pod_seconds: float = 3.0
    """Pods x seconds that may be too many."""


@check("panic-left", PanicLeftParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def left(history: History, parameters: PanicLeftParameters) -> Finding:
    """Panic ends one stable window after its last cause: pods come down to what the stable window says."""
    late = parameters.within_seconds
    worst = -1.0
    result: Finding | None = None
    for revision, limits in loaded(history, parameters):
        may = limits.may_panic > 0
        if not may.any() or may[-1]:
            continue
        end = float(limits.times[may][-1])
        first = float(limits.times[may & ~np.append(may[1:], False)][0])
        settled = history.counts(revision).total.value(history.end) <= max(1, limits.parameters.min_scale)
        if history.end < end + late + 2.0 and not settled:
            continue
        high = limits.around(0.0, 0.0)[1]
        for what, seen, _, removing in counts(history, revision):
            wide = limits.around(removing, 0.0)[1]
            early = outside(seen, np.zeros_like(wide), wide, limits.times, limits.times[0], first)
            if early.above > parameters.tolerance_pod_seconds:
                # Too many from the beginning: then it is not the end of panic that is wrong.
                continue
            found = outside(seen, np.zeros_like(high), high, limits.times, end + late, history.end)
            if found.above > worst:
                worst = found.above
                result = exact(
                    found.above <= parameters.tolerance_pod_seconds,
                    f"at most {late:g} s after panic must have ended, {what} are no more than the stable window wants",
                    found.above, "pods x seconds", high=parameters.tolerance_pod_seconds, source="modelled",
                    samples=int(history.end - end),
                    moments=((end, end + late, "panic ends here at the latest"),),
                    facts=(f"t={end:.1f} s: latest end of panic; {what} then {seen.value(end):g}, "
                           f"at the end of watching {seen.value(history.end):g}",),
                )  # fmt: skip
    if result is None:
        raise NotShownError("the recording does not hold the end of a panic")
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPanicParameters(ComponentParameters):
    """Parameters of `no-panic`."""

    tolerance_pod_seconds: float = 3.0
    """Pods x seconds that may be too many."""


@check("no-panic", NoPanicParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def calm(history: History, parameters: NoPanicParameters) -> Finding:
    """A load that never asks for the threshold's multiple of the ready pods is followed by the stable window alone."""
    results = []
    for revision, limits in loaded(history, parameters):
        if limits.may_panic.any():
            raise NotShownError("the load may cause a panic")
        for what, seen, adding, _ in counts(history, revision):
            found = outside(
                seen, np.zeros_like(limits.high), limits.around(0.0, adding)[1], limits.times, limits.times[0],
                history.end,
            )  # fmt: skip
            results.append((found.above, what, found))
    above, what, found = max(results, key=lambda entry: entry[0])
    return exact(
        above <= parameters.tolerance_pod_seconds,
        "without panic the pod count rises no faster than the stable window's mean",
        above, "pods x seconds", high=parameters.tolerance_pod_seconds, source="modelled",
        facts=() if above == 0 else (f"t={found.first:.1f} s: {what} above what the stable window wants",),
    )  # fmt: skip
