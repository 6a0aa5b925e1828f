"""Checks of the least and the most replicas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conformance.catalogue.check_parameters import ComponentParameters
from conformance.judge.band import REMOVING_SECONDS, Band
from conformance.judge.checks.rollout import goes_by
from conformance.judge.expectations import configuration
from conformance.judge.expectations import parameters as resolved
from conformance.judge.finding import Finding, NotShownError, PodCounts, check, exact
from conformance.judge.history import NEVER, History, Revision
from conformance.judge.step_function import StepFunction, summed
from conformance.judge.subject import all_pods, loaded, revisions, served
from conformance.model.config import TICK_SECONDS
from conformance.model.parameters import Parameters

DELETION_SECONDS = 1.0
"""A pod that is replaced leaves and enters the count at nearly the same time."""


@check("minimum", ComponentParameters, "observer", "capacity", "config", counts=PodCounts.DECIDED)
def never_below(history: History, parameters: ComponentParameters) -> Finding:
    """From the first ready pod on, the pod count never falls below the minimum of the serving revision."""
    found = served(history, parameters)
    settings = [resolved(history, revision) for revision in found]
    # Where the cluster does not scale to zero the last pod stays (scaler.go).
    least = min(max(each.min_scale, 0 if each.scale_to_zero else 1) for each in settings)
    if least < 1:
        raise NotShownError("the minimum is zero")
    start = min((pod.first_ready for revision in found for pod in revision.pods), default=NEVER)
    if start == NEVER:
        raise NotShownError("no pod was ever ready")
    pods = all_pods(history, parameters)
    end = history.end
    short = 0.0
    first = None
    marks = [(start, 0.0, pods.value(start)), *pods.changes(start, end)]
    for position, (at, _, value) in enumerate(marks):
        until = marks[position + 1][0] if position + 1 < len(marks) else end
        if value < least and until - at > DELETION_SECONDS:
            short += until - at
            first = at if first is None else first
    lowest = pods.least(start, end)
    return exact(
        short == 0.0, f"never fewer than {least} pods once one was ready", lowest, "pods",
        low=float(least), samples=int(end - start),
        facts=() if first is None else (f"t={first:.1f} s: fewer than {least} pods, {short:.1f} s in all",),
        moments=() if first is None else ((first, first + short, "below the minimum"),),
    )  # fmt: skip


@check("maximum", ComponentParameters, "load", "observer", "config", counts=PodCounts.DECIDED)
def never_above(history: History, parameters: ComponentParameters) -> Finding:
    """Running and pending pods of a revision never exceed the maximum, although the load asks for more."""
    found = [(revision, limits) for revision, limits in loaded(history, parameters) if limits.parameters.max_scale]
    if not found:
        raise NotShownError("no maximum is set")
    # Each revision has a maximum of its own, and shows something only if its own load asks for more.
    courses = [_against_maximum(history, revision, limits) for revision, limits in found]
    shown = [course for course in courses if course.over > 0 or course.asked > course.most]
    if not shown:
        asked = max(course.asked for course in courses)
        raise NotShownError(f"the load asks for {asked:g} pods only, not for more than the maximum")
    worst = max(shown, key=lambda course: course.over)
    return exact(
        worst.over <= 0, f"never more than {worst.most} pods, wanted or there", worst.peak, "pods",
        high=float(worst.most), notes=f"the load alone asks for {worst.asked:g} pods",
        moments=((worst.at, worst.at, f"{worst.peak:g} pods"),),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Course:
    """The most pods of a revision, wanted or there, against its own maximum."""

    most: int
    peak: float
    at: float
    """When the pods were as many as they ever were."""
    asked: float
    """Pods that the load asks for whatever the maximum."""

    @property
    def over(self) -> float:
        """Pods above the maximum; negative below it."""
        return self.peak - self.most


def _against_maximum(history: History, revision: Revision, limits: Band) -> _Course:
    judged = history.counts(revision)
    there = judged.total.most(revision.seen, history.end)
    wanted = 0.0 if judged.desired is None else _most(judged.desired)
    at = judged.total.first(revision.seen, history.end, there) or 0.0
    # The initial scale holds whatever the maximum, until all of it was ready once (scaler.go at knative-v1.23.0).
    most = max(limits.parameters.max_scale, limits.parameters.initial_scale)
    return _Course(most, max(there, wanted), at, limits.needed_pods)


def _most(desired: StepFunction) -> float:
    values = desired.values[desired.values == desired.values]
    return float(values.max()) if len(values) else 0.0


def back_seconds(settings: Parameters, most: float) -> float:
    """From the end of a load to its minimum again, from `most` pods. The panic window is empty first, a stable window
    later panic is over and the mean is zero; then the count halves, or falls by the cluster's own rate, each tick.
    Where scaling down is delayed each step takes a delay: a delayed count is halved anew."""
    steps = max(math.ceil(math.log2(max(2.0, most))), _steps_down(most, settings.max_scale_down_rate))
    return (
        settings.stable_window_seconds + settings.panic_window_seconds + 2.0 * TICK_SECONDS + 2.0 * REMOVING_SECONDS
        + steps * (TICK_SECONDS + settings.scale_down_delay_seconds)
    )  # fmt: skip


def _steps_down(pods: float, rate: float) -> int:
    """Decisions that it takes from ready pods to one where each leaves a share of them, rounded down."""
    steps = 0
    while pods > 1.0:
        pods = math.floor(pods / rate)
        steps += 1
    return steps


@check("back-to-minimum", ComponentParameters, "load", "observer", "config", counts=PodCounts.DECIDED)
def comes_back(history: History, parameters: ComponentParameters) -> Finding:
    """After the load the pods are back at the minimum (one where the minimum is zero, or none)."""
    found = served(history, parameters)
    least = resolved(history, found[-1]).min_scale
    last = max((load.last for load in history.loads), default=float("nan"))
    if last != last:
        raise NotShownError("no load was recorded")
    end = history.end
    due = last + back_seconds(resolved(history, found[-1]), all_pods(history, parameters).most(0.0, end))
    # What a replaced revision has on its way to zero is no matter of the minimum yet.
    leaving = [each for each in found[:-1] if each.superseded != NEVER and end < goes_by(history, each)]
    pods = summed([history.counts(each).total for each in found if each not in leaving])
    left = pods.value(end)
    if left > max(least, 0) and end < due:
        raise NotShownError(
            f"watching ended {end - last:.0f} s after the load, coming back may take {due - last:.0f} s"
        )
    allowed = max(least, 1)
    if not configuration(history).enable_scale_to_zero:
        # Then a revision that was replaced keeps a pod, as its own minimum of zero is raised to one (scaler.go).
        allowed += sum(1 for each in found[:-1] if each.pods and each not in leaving)
    return exact(
        left <= allowed and left >= least, f"{least} pods again after the load", left, "pods",
        low=float(least), high=float(allowed),
        facts=_way_back(pods, last, end, allowed),
        moments=((last, end, "after the load"),),
    )  # fmt: skip


def _way_back(pods: StepFunction, last: float, end: float, allowed: int) -> tuple[str, ...]:
    """When there were no more than `allowed` pods again after a load that ended at `last`, in seconds."""
    if pods.most(0.0, end) <= allowed:
        return (f"pods never above {pods.most(0.0, end):g}, so there was no way back",)
    back = next((at for at, _, value in pods.changes(last, end) if value <= allowed), None)
    return () if back is None else (f"t={back:.1f} s: {pods.value(back):g} left, {back - last:.1f} s after the load",)


@check("starts-with", ComponentParameters, "observer", "capacity", "config", counts=PodCounts.CARRIED_OUT)
def starts_with(history: History, parameters: ComponentParameters) -> Finding:
    """A service's first revision starts with its initial scale, before any load: no pod more, none fewer."""
    first = revisions(history, parameters)[0]
    settings = resolved(history, first)
    wanted = max(settings.initial_scale, settings.min_scale)
    if wanted == 1:
        raise NotShownError("every revision starts with one pod")
    begin = min((load.start for load in history.loads), default=history.end)
    ready = min((pod.first_ready for pod in first.pods), default=NEVER)
    if wanted and ready > begin:
        raise NotShownError("no pod was ready before the first load")
    most = history.counts(first).total.most(first.seen, min(begin, ready + TICK_SECONDS))
    return exact(
        most == wanted, f"a new service starts with {wanted} pods", most, "pods", low=float(wanted), high=float(wanted),
        samples=1, exercised=f"one start, {wanted} pods asked for",
    )  # fmt: skip
