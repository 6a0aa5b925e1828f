"""Checks of scaling to zero: when, that it stays, and what one request brings back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import ComponentParameters
from conformance.judge import path_changes
from conformance.judge.arrivals import Load
from conformance.judge.band import EDGE_SECONDS, GOING_SECONDS, band
from conformance.judge.expectations import configuration, last_requested_settings
from conformance.judge.expectations import parameters as resolved
from conformance.judge.finding import Finding, NotShownError, PodCounts, check, exact, margin, verdict
from conformance.judge.history import NEVER, History, Revision
from conformance.judge.judgement import Expected, Measured
from conformance.judge.subject import all_pods, revisions
from conformance.model.config import TICK_SECONDS
from conformance.model.keys import RPS
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve
from conformance.recording.run_bodies import ManifestBody, ManifestStage
from conformance.recording.service_bodies import InferenceServiceBody

EARLY_SECONDS: Final = 3.0
"""The stable window is counted in whole seconds and its last bucket may be that of the last request's beginning."""


def idle_stretches(history: History) -> list[tuple[float, float]]:
    """(start, end) of every stretch without a request in flight, from readiness or a load's last answer on."""
    found = []
    begin = history.ready_at
    for load in sorted(history.loads, key=lambda each: each.start):
        if load.start != load.start or not len(load.rows):
            continue
        if load.start > begin:
            found.append((begin, load.start))
        begin = max(begin, load.last)
    found.append((begin, history.end))
    return found


def _to_zero(history: History, parameters: ComponentParameters) -> list[tuple[float, float, float]]:
    """(idle since, end of the stretch, time of zero or infinite) of stretches that begin with pods."""
    pods = all_pods(history, parameters)
    found = []
    for start, end in idle_stretches(history):
        if pods.value(start) <= 0:
            continue
        zero = next((at for at, _, value in pods.changes(start, end) if value == 0), NEVER)
        found.append((start, end, zero))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachesZeroParameters(ComponentParameters):
    """Parameters of `reaches-zero`."""

    within_seconds: float = 0.0
    """From the last answer to zero; two stable windows where they are longer, and what the settings add."""
    modelled: bool = True
    """Whether the model says when zero is due, where it can."""


@check("reaches-zero", ReachesZeroParameters, "load", "observer", "clock", "config", counts=PodCounts.CARRIED_OUT)
def reaches_zero(history: History, parameters: ReachesZeroParameters) -> Finding:
    """An idle service with a minimum of zero is at zero pods within the given time of its last answer."""
    last = revisions(history, parameters)[-1]
    settings = resolved(history, last)
    requested = last_requested_settings(history, last.component)
    least = settings.min_scale
    if requested is not None:
        least = resolve(configuration(history), requested.annotations, requested.container_concurrency).min_scale
    if least != 0 or not configuration(history).enable_scale_to_zero:
        raise NotShownError("the minimum is not zero, or the cluster does not scale to zero")
    within = max(parameters.within_seconds, 2 * settings.stable_window_seconds)
    within += settings.scale_down_delay_seconds
    if leaves_by_grace(last, settings):
        within += settings.grace_seconds
    within += max(0.0, settings.pod_retention_seconds - settings.grace_seconds)
    ready = first_ready(history, last)
    proxied = ready + settings.grace_seconds + GOING_SECONDS
    # Once it wants nothing and has been active for a stable window the last pod stays for its retention (scaler.go).
    kept = settings.stable_window_seconds + settings.scale_down_delay_seconds + 2.0 * TICK_SECONDS
    kept += settings.pod_retention_seconds + GOING_SECONDS
    since = _changed(history)
    took = []
    for start, end, zero in _to_zero(history, parameters):
        begin = max(start, since)
        if zero != NEVER and zero < begin:
            continue
        limit = max(within, proxied - begin, max(ready - begin, 0.0) + kept)
        # A minimum that was lowered on a live service is not this revision's own, so its band says nothing of zero.
        if parameters.modelled and settings.min_scale == 0:
            due = _due(history, last, begin, end) - begin
            limit = limit if due == NEVER else due
        if zero == NEVER and end - begin < limit:
            continue
        took.append((min(zero, end) - begin, zero, begin, end, limit))
    if not took:
        raise NotShownError("no stretch without requests is long enough")
    longest = max(took, key=lambda entry: (entry[1] == NEVER, entry[0] - entry[4]))
    seconds, zero, begin, end, within = longest
    ok = zero != NEVER and seconds <= within
    text = f"at zero {seconds:.1f} s after the last answer" if zero != NEVER else f"still up after {seconds:.0f} s"
    return Finding(
        verdict(ok),
        Expected("modelled", f"zero pods within {within:g} s of the last answer", None, within, "s"),
        Measured(round(seconds, 3), "s", samples=len(took)),
        margin(seconds, within) if ok else None,
        (f"t={begin:.1f} s: idle from here; {text}",),
        ((begin, min(zero, end), "idle"),),
    )


def leaves_by_grace(revision: Revision, settings: Parameters) -> bool:
    """Whether the last pod waits until the activator has been in the path for a while, as it does where pods served
    without it: since it never is, or since they can take the burst themselves (scaler.go)."""
    return settings.target_burst_capacity == 0 or any(mode != path_changes.PROXY for _, mode in revision.modes)


def _due(history: History, revision: Revision, begin: float, end: float) -> float:
    """When the last pod must be gone: nothing is wanted by any conforming autoscaler, the revision has been active for
    a stable window, the activator has been in the path for the grace, and retention is over. Infinite where a change
    of revisions makes it unclear."""
    if len(history.component(revision.component)) > 1:
        return NEVER
    limits = band(history, revision)
    settings = limits.parameters
    # The band's edges are widened: just before the next load it may want pods already.
    inside = (limits.times >= begin) & (limits.times <= end - 2.0 * EDGE_SECONDS)
    wanted = limits.times[inside & (limits.idle_high > 0)]
    idle = float(wanted[-1]) if len(wanted) else begin
    woken = [at for at, before, after in revision.ready.changes(0.0, end) if before == 0 < after]
    active = max((at for at in woken if at <= max(idle, begin) + settings.stable_window_seconds), default=begin)
    inactive = max(idle, active + settings.stable_window_seconds)
    return last_pod_goes(history, revision, settings, inactive) + GOING_SECONDS


def last_pod_goes(history: History, revision: Revision, settings: Parameters, inactive: float) -> float:
    """When the last pod goes at the latest of a revision that is inactive from some time on: its retention is over, and
    an activator has been in the path for the grace (scaler.go at knative-v1.23.0)."""
    longest = inactive + max(settings.grace_seconds, settings.pod_retention_seconds)
    if leaves_by_grace(revision, settings):
        return longest
    proxied = first_ready(history, revision) + settings.grace_seconds
    return min(longest, max(inactive + settings.pod_retention_seconds, proxied))


def first_ready(history: History, revision: Revision) -> float:
    """When the revision first had a ready pod, at the start if never: where the activator is always in the path, it is
    from then on at the latest, and its time there counts for the grace (scaler.go at knative-v1.23.0)."""
    return next((at for at, before, after in revision.ready.changes(0.0, history.end) if before == 0 < after), 0.0)


def _changed(history: History) -> float:
    """When the minimum became zero: the last time a manifest was admitted."""
    admitted = (fact.t for fact in history.of(ManifestBody) if fact.body.stage is ManifestStage.ADMITTED)
    return max(admitted, default=0.0)


@check("zero-not-before", ComponentParameters, "load", "observer", "clock", "config", counts=PodCounts.CARRIED_OUT)
def not_too_early(history: History, parameters: ComponentParameters) -> Finding:
    """Zero is not reached before a whole stable window without requests has passed."""
    shortest: tuple[float, float, float] | None = None
    settings = resolved(history, revisions(history, parameters)[-1])
    least = settings.stable_window_seconds - EARLY_SECONDS
    if settings.target_burst_capacity == 0:
        # Without the activator in the path it has to be there for the grace period first (scaler.go).
        least += settings.grace_seconds
    least = max(least, settings.stable_window_seconds + settings.pod_retention_seconds - EARLY_SECONDS)
    if revisions(history, parameters)[-1].superseded != NEVER or len(revisions(history, parameters)) > 1:
        raise NotShownError("there was more than one revision")
    pods = all_pods(history, parameters)
    begun = sorted(load.start for load in history.loads if len(load.rows))
    idle = [(load.last, min((at for at in begun if at > load.last), default=history.end))
            for load in history.loads if len(load.rows)]  # fmt: skip
    # A revision that is new is active from its first ready pod on, without a request too.
    first = min((pod.first_ready for pod in revisions(history, parameters)[-1].pods), default=NEVER)
    if first < min(begun, default=history.end):
        idle.append((first, min(begun, default=history.end)))
    for since, end in idle:
        zero = next((at for at, _, value in pods.changes(since, end) if value == 0), NEVER)
        if zero != NEVER and (shortest is None or zero - since < shortest[0]):
            shortest = (zero - since, since, zero)
    if shortest is None:
        raise NotShownError("zero was not reached without a request")
    seconds, start, zero = shortest
    return exact(
        seconds >= least, f"not at zero before {least:g} s without a request", seconds, "s", low=least,
        facts=(f"t={zero:.1f} s: zero pods, {seconds:.1f} s after the last answer or the first ready pod",),
        moments=((start, zero, "idle"),),
        source="modelled",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StaysAtZeroParameters(ComponentParameters):
    """Parameters of `stays-at-zero`."""

    least_seconds: float = 4.0
    """How long zero has to be watched for it to show."""


@check("stays-at-zero", StaysAtZeroParameters, "load", "observer", counts=PodCounts.CARRIED_OUT)
def stays(history: History, parameters: StaysAtZeroParameters) -> Finding:
    """Once at zero no pod comes back without a request."""
    least = parameters.least_seconds
    pods = all_pods(history, parameters)
    watched = 0.0
    back = None
    for start, end, zero in _to_zero(history, parameters):
        del start
        if zero == NEVER:
            continue
        watched += end - zero
        # The stretch ends with the next load's first request; the pod it brings back is its own.
        again = next((at for at, _, value in pods.changes(zero, end - 0.05) if value > 0), None)
        back = back if back is not None else again
    if watched < least and back is None:
        raise NotShownError(f"watched at zero for {watched:.1f} s only")
    return exact(
        back is None, "no pod comes back without a request", 0.0 if back is None else 1.0, "pods back", high=0.0,
        samples=max(1, int(watched)),
        facts=() if back is None else (f"t={back:.1f} s: a pod although nothing was sent",),
        notes=f"{watched:.0f} s watched at zero",
    )  # fmt: skip


@check("few-from-zero", ComponentParameters, "load", "observer", "config", counts=PodCounts.CARRIED_OUT)
def few_from_zero(history: History, parameters: ComponentParameters) -> Finding:
    """One request in flight at zero pods brings no more pods than ceil(1 / target value), or the activation scale."""
    settings = resolved(history, revisions(history, parameters)[-1])
    if settings.metric == RPS:
        raise NotShownError("by rate one caller may ask for any number of pods")
    # The activation scale holds for any load; before the first decision one pod may be there already.
    least = max(1, settings.activation_scale)
    most = max(least, math.ceil(1.0 / settings.target_value))
    pods = all_pods(history, parameters)
    seen = []
    for load in history.loads:
        if pods.value(load.start - 0.05) == 0 and len(load.rows) and _one_at_a_time(load):
            seen.append((pods.most(load.start, min(load.last + 20.0, history.end)), load.start))
    if not seen:
        raise NotShownError("no single request met zero pods")
    value, at = max(seen)
    return exact(
        least <= value <= most, f"one request at zero pods brings {least} to {most} pods", value, "pods",
        low=float(least), high=float(most), samples=len(seen), source="modelled",
        facts=(f"t={at:.1f} s: the request; {value:g} pods",),
    )  # fmt: skip


def _one_at_a_time(load: Load) -> bool:
    rows = np.sort(load.rows, order="sent")
    return bool(np.all(rows["sent"][1:] >= rows["end"][:-1] - 0.001))


@check("ready-at-zero", ComponentParameters, "observer")
def ready_at_zero(history: History, parameters: ComponentParameters) -> Finding:
    """At zero pods the InferenceService stays Ready."""
    facts = history.of(InferenceServiceBody)
    if not facts:
        raise NotShownError("no InferenceService was watched")
    stretches = [
        (zero + 1.0, end) for _, end, zero in _to_zero(history, parameters) if zero != NEVER and end - zero > 2
    ]
    if not stretches:
        raise NotShownError("zero was not reached")
    wrong = []
    for start, end in stretches:
        before = [fact for fact in facts if fact.t <= start]
        for fact in [*before[-1:], *(fact for fact in facts if start < fact.t < end)]:
            state = fact.body.status_of("Ready")
            if state != "True":
                wrong.append((max(fact.t, start), state or "absent"))
    return exact(
        not wrong, "Ready stays True at zero pods", len(wrong), "moments not Ready", high=0.0, samples=len(stretches),
        exercised=f"{len(stretches)} times at zero",
        facts=() if not wrong else (f"t={wrong[0][0]:.1f} s: Ready is {wrong[0][1]}",),
    )  # fmt: skip
