"""Checks of containerConcurrency: never more inside a container, and what becomes of the surplus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge.arrivals import Rows
from conformance.judge.checks.answers import loads_of
from conformance.judge.expectations import parameters as resolved
from conformance.judge.expectations import requested_settings
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History
from conformance.recording.run_bodies import WitnessBody

FULL_TIMES = 5
"""So many times as many requests as a container takes have to come when all are full."""
QUEUE_FACTOR = 10
"""A pod's queue holds ten times what it runs (Knative pkg/queue/sharedmain/main.go at knative-v1.23.0)."""


def limit_of(history: History) -> int:
    """containerConcurrency as requested."""
    return max(
        (requested_settings(history, revision).container_concurrency for revision in history.revisions.values()),
        default=0,
    )


def direct(history: History) -> bool:
    """Whether pods serve directly, without the activator before them."""
    return all(resolved(history, revision).target_burst_capacity == 0 for revision in history.revisions.values())


def served_directly(history: History) -> bool:
    """Whether pods served directly for a while, as they do once they can take the burst."""
    return any(mode == "Serve" for revision in history.revisions.values() for _, mode in revision.modes)


def room(limit: int) -> int:
    """Requests that one pod holds, running and waiting."""
    return limit + QUEUE_FACTOR * limit


def limits_of(history: History) -> dict[int, tuple[str, ...]]:
    """Pods by the limit requested for their revision; one that changed on a live service is each revision's own."""
    found: dict[int, tuple[str, ...]] = {}
    for revision in history.revisions.values():
        limit = requested_settings(history, revision).container_concurrency
        found[limit] = (*found.get(limit, ()), *(pod.name for pod in revision.pods))
    return found


def most_inside(history: History, pods: tuple[str, ...] | None = None) -> tuple[int, int, str]:
    """(most requests inside one container, answers that told, pod) of these pods, or of all."""
    best, samples, where = 0, 0, ""
    for load in history.loads:
        told = load.rows["in_flight"] > 0
        if pods is not None:
            told &= load.served_by(*pods)
        samples += int(told.sum())
        if told.any():
            inside = np.where(told, np.maximum(load.rows["in_flight"], load.rows["high_water"]), 0)
            place = int(np.argmax(inside))
            if inside[place] > best:
                best, where = int(inside[place]), str(load.pods[place])
    for fact in history.of(WitnessBody):
        if fact.body.high_water > best and (pods is None or fact.body.pod in pods):
            best, where = fact.body.high_water, fact.body.pod
    return best, samples, where


@check("container-limit", CheckParameters, "load", "witness")
def never_more_inside(history: History, parameters: CheckParameters) -> Finding:
    """No container ever holds more than containerConcurrency requests, although callers offer more."""
    limits = {limit: pods for limit, pods in limits_of(history).items() if limit}
    if not limits:
        raise NotShownError("no container limit is set")
    alone = len(limits_of(history)) == 1
    seen = [(*most_inside(history, None if alone else pods), limit) for limit, pods in limits.items()]
    best, samples, where, limit = max(seen, key=lambda entry: entry[0] - entry[3])
    if not samples:
        raise NotShownError("no answer told what was in flight in its pod", witness=True)
    if best < limit:
        raise NotShownError(f"no container was full: {best} of {limit}")
    pressed = _pressed(history, limit)
    if best == limit and not len(pressed):
        raise NotShownError("callers never offered more than the containers take, so that none had to be held back")
    return exact(
        best <= limit, f"never more than {limit} requests inside one container", best, "requests in flight",
        high=float(limit), samples=samples, facts=(f"most in {where}: {best}",),
        exercised=f"a container held {best} of {limit}, {len(pressed):,} requests came when all were full",
    )  # fmt: skip


def _pressed(history: History, limit: int) -> np.ndarray:
    """When requests were sent while more of them were open than all ready containers take: one too many inside would
    have shown, and so would one too few."""
    found = [np.zeros(0)]
    for load in loads_of(history):
        rows = load.rows[~np.isnan(load.rows["sent"]) & ~np.isnan(load.rows["end"])]
        starts, ends = np.sort(rows["sent"]), np.sort(rows["end"])
        open_then = np.searchsorted(starts, starts, "right") - np.searchsorted(ends, starts)
        slots = (
            sum((revision.ready.at(starts) for revision in history.revisions.values()), np.zeros(len(starts))) * limit
        )
        found.append(starts[open_then > np.maximum(slots, limit)])
    return np.concatenate(found)


@check("container-filled", CheckParameters, "load", "witness")
def filled(history: History, parameters: CheckParameters) -> Finding:
    """Where callers offer more than all ready containers take, a container takes as many as its limit."""
    limits = {limit: pods for limit, pods in limits_of(history).items() if limit}
    if len(limits) != 1 or len(limits_of(history)) != 1:
        raise NotShownError("no container limit is set, or another one for each revision")
    limit = next(iter(limits))
    pressed = _pressed(history, limit)
    if len(pressed) < FULL_TIMES * limit:
        raise NotShownError(f"{len(pressed)} requests came when all containers were full: too few to fill one for sure")
    best, samples, where = most_inside(history)
    if not samples:
        raise NotShownError("no answer told what was in flight in its pod")
    return exact(
        best >= limit, f"a container that is offered more takes {limit} requests at a time", best,
        "requests in flight", low=float(limit), samples=samples, facts=(f"most in {where}: {best}",),
        exercised=f"{len(pressed):,} requests came when all containers were full",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUnlimitedParameters(CheckParameters):
    """Parameters of `container-unlimited`."""

    least_in_flight: int = 20
    """Requests that callers have to keep in flight for it to show."""


@check("container-unlimited", ContainerUnlimitedParameters, "load", "witness")
def unlimited(history: History, parameters: ContainerUnlimitedParameters) -> Finding:
    """Without containerConcurrency one container takes all that callers offer."""
    least = parameters.least_in_flight
    if limit_of(history):
        raise NotShownError("a container limit is set")
    offered = max((phase.workers for load in history.loads for phase in load.phases), default=0)
    most = max((sum(1 for _ in revision.pods) for revision in history.revisions.values()), default=0)
    if offered < least or most != 1:
        raise NotShownError(f"{offered} in flight over {most} pods do not show it")
    best, samples, _ = most_inside(history)
    return exact(
        best >= 0.9 * offered, f"one container holds the {offered} requests that callers keep in flight", best,
        "requests in flight", low=0.9 * offered, high=float(offered), samples=samples,
        exercised=f"{offered} callers of one pod",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PodQueueParameters(CheckParameters):
    """Parameters of `pod-queue`."""

    slack_requests: int = 2
    """Requests more or fewer that a pod may hold."""


@check("pod-queue", PodQueueParameters, "load", "witness", "config")
def queue_of_ten(history: History, parameters: PodQueueParameters) -> Finding:
    """With the activator out of the path a pod runs its limit, queues ten times that, and refuses the rest with 503."""
    limit = limit_of(history)
    if limit == 0:
        raise NotShownError("no container limit is set")
    if not direct(history):
        raise NotShownError("the activator is in the path and queues in the pod's stead")
    slack = parameters.slack_requests
    most = room(limit)
    results = []
    for load in loads_of(history):
        start = load.start
        for phase in load.phases:
            end = start + phase.seconds
            count = phase.count
            rows = load.rows[(load.rows["scheduled"] >= start - 0.01) & (load.rows["scheduled"] < end - 0.01)]
            start = end
            if phase.shape == "burst" and count > most and len(rows):
                other = int((~np.isin(rows["status"], (200, 503))).sum())
                results.append((held_in_burst(load.rows, rows, most), other, float(rows["scheduled"].min())))
    if not results:
        results = _closed(history, most)
    if not results:
        raise NotShownError(f"no moment at which one pod was offered more than {most} requests")
    other = sum(entry[1] for entry in results)
    worst = max(results, key=lambda entry: abs(entry[0] - most))
    ok = other == 0 and all(most - slack <= held <= most + slack for held, _, _ in results)
    return exact(
        ok, f"a pod holds {limit} running and {QUEUE_FACTOR * limit} waiting requests; the only other answer is 503",
        worst[0], "requests held", low=float(most - slack), high=float(most + slack), samples=len(results),
        facts=(f"t={worst[2]:.1f} s: {worst[0]} held of those offered at once; {other} answers neither 200 nor 503",),
        exercised=f"{len(results)} times more than {most} requests at once",
    )  # fmt: skip


def held_in_burst(load: Rows, burst: Rows, most: int) -> int:
    """Requests inside at a time during a burst, as near to `most` as they may have been.

    A burst offered at once may come in slowly: what was answered before the last refusal may have made room for others.
    And those of an earlier burst may still have been inside."""
    good, refused = burst["status"] == 200, burst["status"] == 503
    last = float(burst["end"][refused].max()) if refused.any() else -np.inf
    least = int((good & (burst["end"] > last)).sum())
    begun = float(burst["scheduled"].min())
    earlier = int(((load["status"] == 200) & (load["scheduled"] < begun - 0.01) & (load["end"] > begun)).sum())
    return min(int(good.sum()) + earlier, max(least, most))


def _closed(history: History, most: int) -> list[tuple[int, int, float]]:
    """For callers in a closed loop: how many of them wait at a time, seen as the most requests with a long answer."""
    found = []
    if len(history.pods) != 1:
        return []
    for load in history.loads:
        workers = max((phase.workers for phase in load.phases), default=0)
        if workers <= most or not len(load.rows):
            continue
        rows = load.rows[(load.rows["status"] == 200) & ~np.isnan(load.rows["end"])]
        if not len(rows):
            continue
        moments = np.linspace(load.start + 2.0, load.start + max(load.seconds - 2.0, 3.0), 50)
        inside = np.array([int(((rows["sent"] <= at) & (rows["end"] > at)).sum()) for at in moments])
        other = int((~np.isin(load.rows["status"], (200, 503))).sum())
        found.append((int(np.median(inside)), other, load.start))
    return found


@check("surplus-waits", CheckParameters, "load", "capacity", "witness", "config", "restart")
def surplus_waits(history: History, parameters: CheckParameters) -> Finding:
    """With the activator in the path the surplus waits: all are answered 200, none is refused."""
    limit = limit_of(history)
    if limit == 0:
        raise NotShownError("no container limit is set")
    begin = min((load.start for load in loads_of(history)), default=0.0)
    pods = sum(revision.ready.value(begin) for revision in history.revisions.values())
    phases = [phase for load in history.loads for phase in load.phases]
    offered = max((phase.workers or phase.count for phase in phases), default=0)
    if offered <= limit * max(1.0, pods):
        raise NotShownError(f"{offered} requests in flight leave no surplus over {limit} x {pods:g}")
    rated = any(phase.rate for phase in phases)
    # Nobody spreads requests evenly when pods serve directly: one pod may get them all.
    if (direct(history) or served_directly(history)) and (rated or offered > room(limit)):
        raise NotShownError("the activator is out of the path, so that a surplus beyond a pod's queue may be refused")
    total = refused = 0
    waited = 0.0
    for load in loads_of(history):
        rows = load.rows[~np.isnan(load.rows["sent"])]
        total += len(rows)
        refused += int((rows["status"] != 200).sum())
        good = rows[rows["status"] == 200]
        if len(good):
            waited = max(waited, float((good["end"] - good["sent"] - good["model_seconds"]).max()))
    return exact(
        refused == 0, "surplus requests wait and are answered 200", refused, "requests not answered 200",
        high=0.0, samples=total, notes=f"the longest wait was {waited:.2f} s",
        exercised=f"{offered} in flight over {limit * max(1.0, pods):g}, the longest wait {waited:.1f} s",
    )  # fmt: skip
