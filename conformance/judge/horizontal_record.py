"""What a recording tells of a HorizontalPodAutoscaler: its spec, what it scales, the pods and figures that it saw.

Times are seconds from the recording's origin; Kubernetes' own time stamps are moved there by the origin's wall clock.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from conformance.judge.burnt import WINDOW_SECONDS, burnt
from conformance.judge.history import History
from conformance.judge.once import once
from conformance.judge.step_function import StepFunction
from conformance.kube.horizontal_objects import spec_from
from conformance.kube.resource_quantity import thousandths
from conformance.model import replica_calculation as model
from conformance.model.horizontal_autoscaler import HorizontalSpec, Workload
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import SERVING, PodBody, UsageBody
from conformance.recording.service_bodies import AutoscalerResourceBody, DeploymentBody
from conformance.recording.shape import Json

Usages = Mapping[str, model.PodUsage] | None
Amounts = Mapping[str, Mapping[str, int]]
Early = tuple[bool, bool]
"""Whether even and odd answers of the metrics API are seen as early as they may have been true, or as late. A figure
that comes late and goes early may be seen by nobody, as it stands hardly longer than a controller's period."""
ANSWER_SECONDS: Final = 1.0
"""An answer of the metrics API may have been true so long before it arrived."""


@dataclass(frozen=True, slots=True)
class SeenUsage:
    """What the metrics API said from some time on: at the earliest from `early`, for certain from `late` on."""

    early: float
    late: float
    usages: Usages
    most: Usages = None
    """Where the suite could not ask: the most that it may have said; `usages` are then the least."""
    unsure: frozenset[str] = frozenset()
    """Pods of which it may have said nothing yet."""


@dataclass(frozen=True, slots=True)
class HorizontalRecord:
    """One autoscaler in one recording."""

    name: str
    component: str
    start: float
    """When the autoscaler was first seen."""
    end: float
    specs: tuple[tuple[float, HorizontalSpec], ...]
    replicas: StepFunction
    """`spec.replicas` of the Deployment that it scales."""
    pods: tuple[tuple[float, tuple[model.PodState, ...]], ...]
    """All pods of its component, whenever one changed."""
    limits: Mapping[str, Amounts]
    """By pod, by container, by resource, in thousandths."""
    usage: tuple[SeenUsage, ...]

    def spec(self, t: float) -> HorizontalSpec:
        """As it was at a time."""
        place = bisect.bisect_right([at for at, _ in self.specs], t) - 1
        return self.specs[max(0, place)][1]

    def pods_at(self, t: float) -> tuple[model.PodState, ...]:
        """As they were at a time."""
        place = bisect.bisect_right([at for at, _ in self.pods], t) - 1
        return self.pods[place][1] if place >= 0 else ()

    def workload(self, t: float, replicas: int, *, early: Early) -> Workload:
        """What an autoscaler saw at a time, with figures of its own component's pods alone: as the earliest or the
        latest could have seen it. Where the suite could not ask, by the least and by the most that the witnesses' own
        accounts allow."""
        return next(self.workloads(t, replicas, early=early))

    def workloads(self, t: float, replicas: int, *, early: Early) -> Iterator[Workload]:
        """The same, and also without the pods of which nobody knows whether they were measured yet, and with those that
        went between the return of metrics and the suite's first look at them."""
        pods, place = self.pods_at(t), self._place(t, early=early)
        seen = self.usage[place] if place >= 0 else None
        usages = None if seen is None else seen.usages if early[place % 2] or seen.most is None else seen.most
        if seen is None or usages is None:
            yield Workload(replicas, pods, None)
            return
        mine = {pod.name: usages[pod.name] for pod in pods if pod.name in usages}
        yield Workload(replicas, pods, mine)
        if not seen.unsure.isdisjoint(mine):
            yield Workload(replicas, pods, {name: usage for name, usage in mine.items() if name not in seen.unsure})
        if t < seen.late and place and self.usage[place - 1].usages is None:
            before = next((each.usages for each in reversed(self.usage[:place]) if each.usages is not None), {})
            gone = {pod.name: before[pod.name] for pod in pods if pod.name in before and pod.name not in mine}
            if gone:
                yield Workload(replicas, pods, {**mine, **gone})

    def _place(self, t: float, *, early: Early) -> int:
        """Of the last answer of the metrics API before a time; -1 for none."""
        times = [each.early if early[place % 2] else each.late for place, each in enumerate(self.usage)]
        return next((place - 1 for place, at in enumerate(times) if at > t), len(times) - 1)


@once
def horizontal_records(history: History) -> tuple[HorizontalRecord, ...]:
    """All autoscalers of a recording in Standard mode whose metrics are of resources."""
    if history.scenario.mode != "Standard":
        return ()
    names = dict.fromkeys(fact.body.name for fact in history.of(AutoscalerResourceBody))
    found = (_record(history, name) for name in names)
    return tuple(record for record in found if record is not None)


def _record(history: History, name: str) -> HorizontalRecord | None:
    facts = [
        fact
        for fact in history.of(AutoscalerResourceBody)
        if fact.body.name == name and fact.body.change is not ChangeType.DELETED and fact.body.max is not None
    ]
    if not facts:
        return None
    try:
        specs = tuple((fact.t, _spec(fact.body)) for fact in facts)
    except ValueError:
        return None
    body = facts[-1].body
    replicas = StepFunction.of(
        (fact.t, float(fact.body.replicas or 0))
        for fact in history.of(DeploymentBody)
        if fact.body.name == body.target and fact.body.change is not ChangeType.DELETED
    )
    pods, limits = _pods(history, body.component)
    return HorizontalRecord(
        name, body.component, facts[0].t, history.end, specs, replicas, pods, limits, _usage(history)
    )


def _spec(body: AutoscalerResourceBody) -> HorizontalSpec:
    return spec_from(
        {"minReplicas": body.min, "maxReplicas": body.max, "metrics": body.metrics, "behavior": body.behavior}
    )


def _pods(
    history: History, component: str
) -> tuple[tuple[tuple[float, tuple[model.PodState, ...]], ...], Mapping[str, Amounts]]:
    present: dict[str, model.PodState] = {}
    limits: dict[str, Amounts] = {}
    found = []
    for fact in history.of(PodBody):
        body = fact.body
        if body.component != component or body.asked is None:
            continue
        if body.change is ChangeType.DELETED:
            present.pop(body.name, None)
        else:
            present[body.name] = _state(history, body)
            limits[body.name] = _amounts(body.asked, "limits")
        found.append((fact.t, tuple(present.values())))
    return tuple(found), limits


def _state(history: History, body: PodBody) -> model.PodState:
    ready = body.conditions.get("Ready")
    origin = history.wall(0.0)
    return model.PodState(
        name=body.name,
        phase=body.phase or "Pending",
        terminating=body.deleting,
        started=None if body.started_wall is None else body.started_wall - origin,
        ready=ready.status if ready else None,
        since=(ready.since or 0.0) - origin if ready else 0.0,
        requests=_amounts(body.asked or {}, "requests"),
    )


def _amounts(asked: Mapping[str, Json], kind: str) -> Amounts:
    found: dict[str, dict[str, int]] = {}
    for container, resources in asked.items():
        amounts = resources.get(kind) if isinstance(resources, Mapping) else None
        texts = amounts if isinstance(amounts, Mapping) else {}
        found[container] = {name: thousandths(str(text)) for name, text in texts.items()}
    return found


def _usage(history: History) -> tuple[SeenUsage, ...]:
    origin = history.wall(0.0)
    found: list[SeenUsage] = []
    for fact in history.of(UsageBody):
        body = fact.body
        usages: Usages = None
        if body.pods is not None:
            usages = {
                each.pod: model.PodUsage(
                    each.at_wall - origin,
                    each.window_seconds,
                    {
                        container: {name: thousandths(text) for name, text in amounts.items()}
                        for container, amounts in each.containers.items()
                    },
                )
                for each in body.pods
            }
        early = fact.t if body.asked_before is None else body.asked_before - ANSWER_SECONDS
        if body.unseen and found:
            until = next((other.t for other in history.of(UsageBody) if other.t > fact.t), history.end)
            found += _accounted(history, found[-1].usages or {}, early, until)
        else:
            found.append(SeenUsage(early, fact.t, usages))
    return tuple(found)


def _accounted(history: History, last: Mapping[str, model.PodUsage], start: float, end: float) -> Iterator[SeenUsage]:
    """What the metrics API may have said while the suite could not ask it: of each pod as much processor time as its
    witness says that it burnt, and the memory that was known last. Without accounts what was known last stands."""
    accounts = burnt(history)
    for t in np.arange(start, end, ANSWER_SECONDS):
        least, most = dict(last), dict(last)
        for pod, account in accounts.items():
            before = last.get(pod) or model.PodUsage(0.0, WINDOW_SECONDS, {})
            for side, amount in zip((least, most), account.millicores(float(t)), strict=True):
                serving = {**before.containers.get(SERVING, {}), model.CPU: round(amount)}
                side[pod] = replace(before, at=float(t), containers={**before.containers, SERVING: serving})
        yield SeenUsage(float(t), float(t), least, most, frozenset(accounts) - frozenset(last))


def unseen_seconds(history: History) -> float:
    """The longest time for which the suite could not ask what pods use."""
    facts = list(history.of(UsageBody))
    ends = [*(fact.t for fact in facts[1:]), history.end]
    spans = [end - fact.t for fact, end in zip(facts, ends, strict=False) if fact.body.unseen]
    return max(spans, default=0.0)
