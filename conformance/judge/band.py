"""The band: for every moment the lowest and the highest pod count that a conforming autoscaler may show.

The envelope of the ensemble, held within the revision's bounds and widened by the time its edges are uncertain. What is
judged is containment: pods x seconds outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge import ensemble
from conformance.judge.autoscaler_log import read_log
from conformance.judge.demand import Demand, demand
from conformance.judge.expectations import activators, parameters
from conformance.judge.fault_hypotheses import FaultHypothesis
from conformance.judge.history import NEVER, History, Revision
from conformance.judge.measured_load import MeasuredLoad, Windows
from conformance.judge.once import once
from conformance.judge.step_function import Floats, StepFunction, extremes
from conformance.model.parameters import Parameters
from conformance.model.scaler import clamp

SPECIFIED: Final = FaultHypothesis("as specified")
STEP_SECONDS: Final = 0.25
EDGE_SECONDS: Final = 2.0
"""One tick: a pod that turns ready next to a tick is counted by some autoscalers one tick later than by others, which
moves the end of a panic by a tick too."""
START_SECONDS: Final = 4.0
"""After the first pod is ready: the first decision comes within a tick, and the platform may still be activating."""
ADDING_SECONDS: Final = 6.0
"""From a wanted count to pods that exist."""
NEEDED_SECONDS: Final = 6.0
"""The default panic window: so long a load has to last for its pods to be asked for."""
GOING_SECONDS: Final = 15.0
"""Reconciliations and the probe through the activator before the last pod goes, and times kept in whole seconds."""
REMOVING_SECONDS: Final = 4.0
"""From a wanted count to pods with a deletion timestamp."""


@dataclass(frozen=True, slots=True)
class Band:
    """One revision's band on an even grid of times."""

    revision: str
    parameters: Parameters
    demand: Demand
    times: Floats
    low: Floats
    high: Floats
    must_panic: Floats
    """1 where every conforming autoscaler is in panic."""
    may_panic: Floats
    calm_high: Floats
    """The highest count without panic: more pods than this are explained by panic alone."""
    idle_high: Floats
    """The highest count decided, which may be zero; `high` leaves the last pod its time to go."""

    def around(self, back: float, ahead: float) -> tuple[Floats, Floats]:
        """The band widened in time: the least low and the greatest high from `back` before to `ahead` after."""
        before, after = round(back / STEP_SECONDS), round(ahead / STEP_SECONDS)
        return extremes(self.low, before, after)[0], extremes(self.high, before, after)[1]

    def index(self, t: float) -> int:
        """Position of a time on the grid."""
        return int(np.clip(round((t - self.times[0]) / STEP_SECONDS), 0, len(self.times) - 1))

    @property
    def inside_out(self) -> float:
        """By how many pods the least exceeds the most where it does so most; never more than 0 for a sound band."""
        return float((self.low - self.high).max(initial=-np.inf))

    @property
    def needed_pods(self) -> float:
        """Pods that the load alone asks for at the least, whatever the maximum."""
        load = self.demand
        if np.isnan(load.start) or load.end - load.start < NEEDED_SECONDS:
            return 0.0
        edges = np.arange(load.start, load.end, NEEDED_SECONDS)
        least = load.mean(edges)[0] if len(edges) > 1 else np.zeros(1)
        return float(np.ceil(least.max() / self.parameters.target_value))

    def after_panic(self) -> list[tuple[float, float]]:
        """(start, end) of the stretches without a possible panic that follow one."""
        calm = np.concatenate(([False], self.may_panic == 0, [False]))
        edges = np.diff(calm.astype(int))
        starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
        pairs = zip(starts, ends, strict=True)
        return [(float(self.times[start]), float(self.times[end - 1])) for start, end in pairs if start > 0]


@dataclass(frozen=True, slots=True)
class Outside:
    """How far a count left the band."""

    above: float
    """Pods x seconds above."""
    below: float
    worst: float
    """The largest distance in pods, negative below."""
    first: float
    """When it first left; NaN if never."""
    last: float


@once
def band(history: History, revision: Revision) -> Band:
    """The band of one revision from its first sight to the end of what was watched."""
    return _band(history, revision, SPECIFIED)


def band_under(history: History, revision: Revision, hypothesis: FaultHypothesis) -> Band:
    """The band of autoscalers that are wrong in one way."""
    return _band(history, revision, hypothesis)


def _band(history: History, revision: Revision, hypothesis: FaultHypothesis) -> Band:
    settings = hypothesis.parameters(parameters(history, revision))
    load = demand(history, revision, settings.metric)
    times = np.arange(revision.seen, max(history.end, revision.seen + 1.0), STEP_SECONDS)
    low = np.full(len(times), np.inf)
    high = np.zeros(len(times))
    idle_high = np.zeros(len(times))
    must = np.ones(len(times))
    may = np.zeros(len(times))
    calm = np.zeros(len(times))
    log = read_log(history, load, parameters(history, revision))
    gap = log.short
    if gap is None:
        gap = activators(history) != 1 or ensemble.gap_possible(revision, history.recording.header.origin_wall)
    likely: dict[bool, tuple[int, ...]] = {}
    left = times >= revision.left_by
    # One that learns at once that traffic has left takes all pods away together, and together they stay for the grace.
    leaving = (None,) if revision.left_by == NEVER else (None, revision.left_by)
    for member in ensemble.members(gap, doubled=log.over is not False):
        measured = MeasuredLoad(history, revision, member, Windows.of(settings), likely.get(member.high, ()))
        for leaves in leaving if member.high else (None,):
            course = ensemble.course(measured, settings, hypothesis.decider, leaves=leaves)
            likely[member.high] = measured.likely
            if not member.high:
                low = np.minimum(low, course.desired.at(times))
                must = np.minimum(must, course.panicking.at(times))
                continue
            held = bounded(course.desired.at(times), settings, left)
            idle_high = np.maximum(idle_high, held)
            high = np.maximum(high, _staying(held, settings, left, times))
            may = np.maximum(may, course.panicking.at(times))
            if course.panicked:
                calmly = ensemble.course(measured, settings, hypothesis.decider, panics=False, leaves=leaves)
                held = bounded(calmly.desired.at(times), settings, left)
            calm = np.maximum(calm, _staying(held, settings, left, times))
    low = bounded(low, settings, times >= revision.superseded)
    _open_start(low, high, settings, revision, times)
    edge = round(EDGE_SECONDS / STEP_SECONDS)
    return Band(
        revision=revision.name,
        parameters=settings,
        demand=load,
        times=times,
        low=extremes(low, edge, edge)[0],
        high=extremes(high, edge, edge)[1],
        must_panic=extremes(must, edge, edge)[0],
        may_panic=extremes(may, edge, edge)[1],
        calm_high=extremes(calm, edge, edge)[1],
        idle_high=extremes(idle_high, edge, edge)[1],
    )


def bounded(counts: Floats, settings: Parameters, left: NDArray[np.bool_]) -> Floats:
    """Decided counts held within the bounds of a revision that takes traffic until it has `left`."""
    different, places = np.unique(counts, return_inverse=True)
    clamped = [clamp(int(count), settings, initialized=True) for count in different.tolist()]
    held = np.array(clamped, dtype=np.float64)[places]
    # A revision that traffic has left keeps its maximum, but no minimum.
    held[left] = np.minimum(counts[left], settings.max_scale or np.inf)
    return held


def _staying(counts: Floats, settings: Parameters, left: NDArray[np.bool_], times: Floats) -> Floats:
    """Where none is wanted, all pods that one decision takes away may stay until the last one may go: scaler.go leaves
    the deployment alone until then. A decision takes them from ready pods below max-scale-down-rate; of a revision that
    traffic has left it takes any number (autoscaler.go at knative-v1.23.0)."""
    at_once = np.where(left, np.inf, max(1, math.ceil(settings.max_scale_down_rate) - 1))
    latest = np.maximum.accumulate(np.where(counts > 0.0, np.arange(len(counts)), 0))
    stay = max(settings.grace_seconds, settings.pod_retention_seconds) + GOING_SECONDS
    going = (counts == 0.0) & (times - times[latest] <= stay)
    return np.where(going, np.minimum(counts[latest], at_once), counts)


def _open_start(low: Floats, high: Floats, settings: Parameters, revision: Revision, times: Floats) -> None:
    """Until the revision is up its count is its initial one; at zero the last pod may stay for a while."""
    first = min((pod.first_ready for pod in revision.pods), default=np.inf)
    initial = max(1, settings.initial_scale, settings.min_scale)
    # The initial count is a lower bound until all of it was ready once (scaler.go, ScaleTargetInitialized).
    all_ready = revision.ready.first(revision.seen, np.inf, initial)
    starting = times < first + START_SECONDS
    low[starting] = np.minimum(low[starting], 0.0)
    starting |= times < (np.inf if all_ready is None else all_ready + START_SECONDS)
    high[starting] = np.maximum(high[starting], initial)
    # Whether and when the last pod goes is a matter of its own.
    np.maximum(high, 1.0, out=high)


def outside(counts: StepFunction, low: Floats, high: Floats, times: Floats, since: float, until: float) -> Outside:
    """Pods x seconds that a count spends outside; NaN (not known) counts as inside."""
    values = counts.at(times)
    inside = (times >= since) & (times <= until) & ~np.isnan(values)
    over = np.where(inside, np.maximum(0.0, values - high), 0.0)
    under = np.where(inside, np.maximum(0.0, low - values), 0.0)
    bad = times[(over > 0) | (under > 0)]
    worst = over.max(initial=0.0) if over.max(initial=0.0) >= under.max(initial=0.0) else -under.max(initial=0.0)
    return Outside(
        above=float(over.sum() * STEP_SECONDS),
        below=float(under.sum() * STEP_SECONDS),
        worst=float(worst),
        first=float(bad[0]) if len(bad) else float("nan"),
        last=float(bad[-1]) if len(bad) else float("nan"),
    )
