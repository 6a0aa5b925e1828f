"""What a recording tells of a HorizontalPodAutoscaler: its spec, what it scales, the pods and figures that it saw.

Times are seconds from the recording's origin; Kubernetes' own time stamps are moved there by the origin's wall clock.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.judge.history import History
from conformance.judge.once import once
from conformance.judge.step_function import StepFunction
from conformance.kube.horizontal_objects import spec_from
from conformance.kube.resource_quantity import thousandths
from conformance.model import replica_calculation as model
from conformance.model.horizontal_autoscaler import HorizontalSpec, Workload
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import PodBody, UsageBody
from conformance.recording.service_bodies import AutoscalerResourceBody, DeploymentBody
from conformance.recording.shape import Json

Usages = Mapping[str, model.PodUsage] | None
Amounts = Mapping[str, Mapping[str, int]]
ANSWER_SECONDS: Final = 1.0
"""An answer of the metrics API may have been true so long before it arrived."""


@dataclass(frozen=True, slots=True)
class SeenUsage:
    """What the metrics API said from some time on: at the earliest from `early`, for certain from `late` on."""

    early: float
    late: float
    usages: Usages


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

    def usage_at(self, t: float, *, early: bool) -> Usages:
        """What the metrics API said at a time, as the earliest or the latest could have seen it; None for nothing."""
        found: Usages = None
        for each in self.usage:
            if (each.early if early else each.late) > t:
                break
            found = each.usages
        return found

    def workload(self, t: float, replicas: int, *, early: bool) -> Workload:
        """What an autoscaler saw at a time, with figures of its own component's pods alone."""
        pods, usages = self.pods_at(t), self.usage_at(t, early=early)
        if usages is None:
            return Workload(replicas, pods, None)
        mine = {pod.name for pod in pods}
        return Workload(replicas, pods, {name: usage for name, usage in usages.items() if name in mine})


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
    found = []
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
        found.append(SeenUsage(early, fact.t, usages))
    return tuple(found)
