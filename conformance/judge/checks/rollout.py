"""Checks of changes to a live service and of pods that leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from conformance.catalogue.check_parameters import CheckParameters, ComponentParameters
from conformance.judge import pod_timeline
from conformance.judge.arrivals import Load
from conformance.judge.band import GOING_SECONDS, Band, band
from conformance.judge.checks.zero import EARLY_SECONDS, last_pod_goes
from conformance.judge.expectations import configuration
from conformance.judge.expectations import parameters as resolved
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, PodCounts, check, exact
from conformance.judge.history import NEVER, History, Revision
from conformance.judge.step_function import StepFunction
from conformance.judge.subject import all_pods, revisions

DECIDED_SECONDS: Final = 3.5
"""A tick, and a second and a half for a slow API server, between a decision and the change of the wanted count."""
SWING_SHARE: Final = 0.05
"""Many pods move by more than one when the mean moves by a little: by this share of them."""
TAKEN_SECONDS: Final = 0.5
"""So long before the wanted count is seen to change its pods may be seen to go: status follows the deployment."""
LEAVING_SECONDS: Final = 30.0
"""From the last count that a conforming autoscaler wants for a replaced revision to zero: ticks, the way to zero."""


def pair(history: History, parameters: ComponentParameters) -> tuple[Revision, Revision]:
    """The old and the new revision of a rollout. Raises NotShownError when there was none."""
    found = revisions(history, parameters)
    if len(found) < 2:
        raise NotShownError("there was one revision only")
    return found[-2], found[-1]


def goes_by(history: History, old: Revision) -> float:
    """When a replaced revision must be at zero pods, in seconds from the origin: after its panic and one stable window,
    its grace and its retention."""
    limits = band(history, old)
    wanted = limits.times[limits.idle_high > 0]
    # No revision leaves before it has been active for a stable window, however soon it is replaced (scaler.go).
    settled = min((pod.first_ready for pod in old.pods), default=0.0) + limits.parameters.stable_window_seconds
    inactive = max(old.left_by, settled, float(wanted[-1]) if len(wanted) else 0.0) + LEAVING_SECONDS - GOING_SECONDS
    return last_pod_goes(history, old, resolved(history, old), inactive) + GOING_SECONDS


@check("old-revision-goes", ComponentParameters, "load", "observer", "clock", "config")
def old_goes(history: History, parameters: ComponentParameters) -> Finding:
    """The replaced revision goes to zero pods, whatever the minimum: after its panic and one stable window."""
    old, new = pair(history, parameters)
    if not configuration(history).enable_scale_to_zero:
        raise OutOfReachError("the cluster does not scale to zero, and so keeps the last pod of every revision")
    if old.superseded == NEVER:
        raise NotShownError("the new revision never became ready")
    due = goes_by(history, old)
    gone = next((at for at, _, value in old.total.changes(old.superseded, history.end) if value == 0), NEVER)
    if gone == NEVER and history.end < due:
        raise NotShownError(f"watching ended {history.end - old.superseded:.0f} s after the new one was ready")
    took = min(gone, history.end) - old.superseded
    left = old.total.value(history.end)
    end = f"at zero at t={gone:.1f} s" if gone != NEVER else f"still has {left:g} pods"
    return exact(
        gone <= due,
        f"the old revision is at zero pods within {due - old.superseded:.0f} s of its successor's readiness",
        took, "s", high=due - old.superseded, samples=len(old.pods), source="modelled",
        exercised=f"{len(old.pods)} pods of the replaced revision",
        facts=(f"t={old.superseded:.1f} s: {new.name} ready; {old.name} {end}",),
    )  # fmt: skip


@check("rollout-holds", ComponentParameters, "observer", "capacity", "config", "restart")
def never_fewer(history: History, parameters: ComponentParameters) -> Finding:
    """Ready pods of both revisions together never fall below the minimum during a change."""
    old, new = pair(history, parameters)
    before, after = resolved(history, old), resolved(history, new)
    if new.needed_no_pod:
        raise NotShownError("the new revision took over without a pod")
    least = max(1, min(before.min_scale, after.min_scale))
    start = new.seen
    end = min(history.end, max(new.superseded if new.superseded != NEVER else 0.0, old.superseded + 30.0))
    if old.superseded == NEVER:
        end = history.end
    if before.scale_to_zero and before.min_scale == 0:
        # An idle revision goes, whether another is on its way or not.
        if old.superseded == NEVER:
            raise NotShownError("the new revision never became ready, and the old one may go when it is idle")
        start = min(end, old.superseded)
    if after.scale_to_zero and after.min_scale == 0:
        # A revision may go once it has been active for a stable window (scaler.go).
        end = max(start, min(end, old.superseded + after.stable_window_seconds - EARLY_SECONDS))
    ready = pod_timeline.ready([*old.pods, *new.pods])
    lowest = ready.least(start, end)
    return exact(
        lowest >= least, f"never fewer than {least} ready pods while one revision replaces another", lowest, "pods",
        low=float(least), samples=max(1, int(end - start)), moments=((start, end, "change of revision"),),
        exercised=f"one change of revision, watched for {end - start:.0f} s",
    )  # fmt: skip


@check("new-revision-serves", ComponentParameters, "load", "observer", "capacity", specific=True)
def new_serves(history: History, parameters: ComponentParameters) -> Finding:
    """A change of the specification makes a new revision that becomes ready and takes the traffic."""
    marks = [fact for fact in history.spans if fact.kind == "patch"]
    try:
        old, new = pair(history, parameters)
    except NotShownError:
        if not marks:
            raise
        return exact(
            False, "the change makes a new revision that serves", 0.0, "new revisions", low=1.0, samples=1,
            facts=(f"t={marks[0].start:.1f} s: changed, and no new revision appeared",),
        )  # fmt: skip
    served = sum(int(load.served_by(pod.name).sum()) for load in history.loads for pod in new.pods)
    ready = old.superseded
    later = sum(int((load.rows["sent"] > ready + 5.0).sum()) for load in history.loads)
    if later == 0 and ready != NEVER:
        raise NotShownError("no request after the new revision was ready")
    return exact(
        ready != NEVER and served > 0, "the new revision becomes ready and takes the traffic", served,
        "requests served by it", low=1.0, samples=max(1, later),
        exercised=f"{later:,} requests after the new revision was ready",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavesInTimeParameters(CheckParameters):
    """Parameters of `leaves-in-time`."""

    within_seconds: float = 60.0
    """From the end of its last request to its going."""


@check("leaves-in-time", LeavesInTimeParameters, "load", "observer")
def leave_in_time(history: History, parameters: LeavesInTimeParameters) -> Finding:
    """Pods on their way out are gone soon after they are idle, long before the grace of 300 s. Gone is one whose
    containers have ended: when its node takes it off the API is the node's affair."""
    within = parameters.within_seconds
    busy: dict[str, float] = {}
    for load in history.loads:
        for name, end in zip(load.pods, load.rows["end"], strict=True):
            if name:
                busy[str(name)] = max(busy.get(str(name), 0.0), float(end))
    took = []
    for pod in history.pods.values():
        if pod.deleting == NEVER or pod.deleting > history.end:
            continue
        idle = max(pod.deleting, busy.get(pod.name, 0.0))
        left = min(pod.ended, pod.gone)
        if left == NEVER and history.end - idle < within:
            continue
        took.append((min(left, history.end) - idle, pod.name, pod.deleting))
    if not took:
        raise NotShownError("no pod's leaving was watched to its end")
    longest, name, at = max(took)
    return exact(
        longest <= within, f"gone within {within:g} s of being idle and chosen for removal", longest, "s", high=within,
        samples=len(took), facts=(f"t={at:.1f} s: {name} chosen for removal, {longest:.1f} s until gone",),
        exercised=f"{len(took)} pods watched from their removal to their end",
    )  # fmt: skip


@check("halves-at-most", ComponentParameters, "observer", "config", counts=PodCounts.DECIDED)
def halves(history: History, parameters: ComponentParameters) -> Finding:
    """One decision takes away no more than max-scale-down-rate allows of the ready pods."""
    worst = (0.0, 0.0, 0.0, 0.0)
    steps = 0
    for revision in revisions(history, parameters):
        wanted = history.counts(revision).desired
        if wanted is None:
            continue
        rate = resolved(history, revision).max_scale_down_rate
        until = min(history.end, revision.superseded)
        for at, before, after in wanted.changes(revision.seen, until):
            if not after < before:
                continue
            steps += 1
            # The decision may be a tick and a reconciliation old, and pods may have turned ready since.
            ready = history.counts(revision).ready.least(max(0.0, at - DECIDED_SECONDS), max(0.0, at - TAKEN_SECONDS))
            floor = int(min(before, ready) / rate)
            worst = max(worst, (floor - after, at, before, after))
    if not steps:
        raise NotShownError("nothing was scaled down, or the wanted count is not shown")
    over, at, before, after = worst
    return exact(
        over <= 0, "one decision at most halves the ready pods (max-scale-down-rate)", max(0.0, over), "pods too many",
        high=0.0, samples=steps,
        facts=() if over <= 0 else (f"t={at:.1f} s: wanted fell from {before:g} to {after:g}",),
    )  # fmt: skip


ROUTED_SECONDS: Final = 10.0
"""From a revision's first ready pod to all of the traffic, at most: gateways follow within seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SteadyParameters(ComponentParameters):
    """Parameters of `steady`."""

    least_seconds: float = 30.0
    """How long a constant load has to go on after panic for it to show."""


@check("steady", SteadyParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def steady(history: History, parameters: SteadyParameters) -> Finding:
    """Under a constant load and after panic the wanted count stays within one of itself."""
    least = parameters.least_seconds
    found = []
    for index, revision in enumerate(revisions(history, parameters)):
        limits = band(history, revision)
        window = limits.parameters.stable_window_seconds
        # A load that goes on is new to a revision that takes it over.
        taken = min((pod.first_ready for pod in revision.pods), default=0.0) + ROUTED_SECONDS if index else 0.0
        for load in history.loads:
            if len({(phase.shape, phase.workers, phase.rate) for phase in load.phases}) != 1:
                continue
            if any(other is not load and other.start < load.end and other.end > load.start for other in history.loads):
                continue
            inside = (limits.times >= max(load.start, taken) + window + 4.0) & (limits.times <= load.end - 1.0)
            calm = inside & (limits.may_panic == 0) & (limits.times < revision.superseded)
            times = limits.times[calm]
            if len(times) and times[-1] - times[0] >= least:
                seen = _wanted(history, revision)
                found.append((revision, seen, float(times[0]), float(times[-1]), limits))
    if not found:
        raise NotShownError("no constant load goes on long enough after panic")
    revision, seen, start, end, limits = found[0]
    # Right after panic the count comes down to what the stable window wants: halving, then a tick's phase.
    start = min(start + 6.0, end)
    values = seen.within(start, end)
    spread = float(values.max() - values.min())
    low, high = float(limits.low[limits.index(start)]), float(limits.high[limits.index(start)])
    most = max(1.0, SWING_SHARE * float(values.max()))
    ok = spread <= most
    return exact(
        ok, "a constant load keeps the wanted count within one pod", spread,
        "pods between least and most", high=most, samples=int(end - start), source="modelled",
        facts=(
            f"t={start:.1f} to {end:.1f} s: {values.min():g} to {values.max():g} pods wanted, "
            f"{low:g} to {high:g} expected",
        ),
        moments=((start, end, "constant load after panic"),),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFlappingParameters(ComponentParameters):
    """Parameters of `no-flapping`."""

    most_reversals: int = 2
    """Times that the wanted count may turn round."""


@check("no-flapping", NoFlappingParameters, "load", "observer", counts=PodCounts.DECIDED)
def no_flapping(history: History, parameters: NoFlappingParameters) -> Finding:
    """The wanted count does not go up and down again and again under a constant load. Between two counts that the load
    allows at that moment a conforming autoscaler may go back and forth: its mean then lies at the border of both."""
    most = parameters.most_reversals
    worst = samples = explained = 0
    for revision in revisions(history, parameters):
        seen = _wanted(history, revision)
        for load in filter(_constant, history.loads):
            if _sampled(revision, load.start, load.end):
                continue
            changes = [
                change
                for change in seen.changes(load.start, load.end)
                if change[2] == change[2] and not abs(change[2] - change[1]) < SWING_SHARE * change[1]
            ]
            outside = changes
            if _reversals(changes) > most:
                limits = band(history, revision)
                outside = [change for change in changes if not _both_allowed(limits, *change)]
            samples += max(1, len(changes))
            worst = max(worst, _reversals(outside))
            explained = max(explained, _reversals(changes))
    if not samples:
        raise NotShownError("no constant load of twenty seconds")
    if worst <= most < explained:
        raise NotShownError("the load allows both of the counts between which the wanted count goes back and forth")
    return exact(
        worst <= most, f"the wanted count turns round at most {most} times under a constant load", worst, "reversals",
        high=float(most), samples=samples,
    )  # fmt: skip


def _wanted(history: History, revision: Revision) -> StepFunction:
    """The wanted count; the pods there are where the platform does not show it."""
    judged = history.counts(revision)
    return judged.desired or judged.total


def _constant(load: Load) -> bool:
    """Twenty seconds or more of one shape."""
    shapes = {(phase.shape, phase.workers, phase.rate) for phase in load.phases}
    return load.end - load.start >= 20.0 and len(shapes) == 1 and next(iter(shapes))[0] in ("closed", "constant")


def _reversals(changes: Sequence[tuple[float, float, float]]) -> int:
    signs = [after > before for _, before, after in changes if before == before and after != before]
    return sum(a != b for a, b in pairwise(signs))


def _both_allowed(limits: Band, at: float, before: float, after: float) -> bool:
    here = limits.index(at)
    return bool(limits.low[here] <= min(before, after) and max(before, after) <= limits.high[here])


def _sampled(revision: Revision, start: float, end: float) -> bool:
    """Whether five pods or more served directly: then scrapes sample, and the mean is as noisy as the draw."""
    direct = [mode for t, mode in revision.modes if t <= end]
    return bool(direct) and "Serve" in direct and revision.ready.most(start, end) >= 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsFollowParameters(ComponentParameters):
    """Parameters of `pods-follow`."""

    within_seconds: float = 6.0
    """From the wanted count to as many pods."""


@check("pods-follow", PodsFollowParameters, "observer", "capacity", counts=PodCounts.CARRIED_OUT)
def pods_follow(history: History, parameters: PodsFollowParameters) -> Finding:
    """The pods that are there follow the wanted count within seconds, both ways."""
    allowed = parameters.within_seconds
    pods = all_pods(history, parameters)
    found = [revision for revision in revisions(history, parameters) if revision.desired is not None]
    wanted = history.counts(found[0]).desired if len(found) == 1 else None
    if wanted is None:
        raise NotShownError("the wanted count is not shown, or there was more than one revision")
    late = 0.0
    at_worst = 0.0
    steps = 0
    for at, before, after in wanted.changes(found[0].seen, history.end - allowed):
        if after != after or before != before or after == 0:
            # The last pod goes when the way through the activator is sure; that has checks of its own.
            continue
        steps += 1
        until = next((t for t, _, _ in wanted.changes(at, history.end)), history.end)
        met = next((t for t, _, value in pods.changes(at - 0.5, until) if value == after), None)
        if pods.value(at) == after:
            met = at
        if met is None and until - at > allowed:
            met = until
        if met is not None and met - at > late:
            late, at_worst = met - at, at
    if not steps:
        raise NotShownError("the wanted count never changed")
    return exact(
        late <= allowed, f"pods follow the wanted count within {allowed:g} s", late, "s", high=allowed, samples=steps,
        facts=(f"t={at_worst:.1f} s: wanted changed, pods followed {late:.1f} s later",),
    )  # fmt: skip
