"""The life of each pod as its facts tell: seen, scheduled, ready, on its way out, gone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from conformance.judge.step_function import StepFunction
from conformance.recording.body import PREDICTOR, Body, ChangeType
from conformance.recording.facts import Fact
from conformance.recording.pod_bodies import PodBody

NEVER = math.inf
ENDED = ("Succeeded", "Failed")


@dataclass(slots=True)
class PodTimeline:
    """One pod. Times in seconds from the recording's origin, infinite where it never came to that."""

    name: str
    component: str
    revision: str
    seen: float
    listed: bool = False
    """It was there before watching began."""
    scheduled: float = NEVER
    ready: list[tuple[float, float]] = field(default_factory=list)
    """When it was Ready and not on its way out."""
    running: float = NEVER
    deleting: float = NEVER
    ended: float = NEVER
    """When all its containers had ended for good."""
    gone: float = NEVER
    unschedulable: list[tuple[float, str]] = field(default_factory=list)
    resources: dict[str, int] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    node: str = ""
    created_wall: float | None = None
    deletion_wall: float | None = None
    restarts: int = 0
    waiting_reasons: set[str] = field(default_factory=set)

    @property
    def leaves(self) -> float:
        """When it stopped counting."""
        return min(self.deleting, self.gone)

    @property
    def first_ready(self) -> float:
        """When it was first Ready."""
        return self.ready[0][0] if self.ready else NEVER


def pod_timelines(facts: Iterable[Fact[Body]]) -> dict[str, PodTimeline]:
    """All pods by name from a recording's facts in order."""
    found: dict[str, PodTimeline] = {}
    for fact in facts:
        body = fact.body
        if not isinstance(body, PodBody):
            continue
        if body.name not in found:
            listed = body.change is ChangeType.LISTED
            found[body.name] = PodTimeline(body.name, body.component or PREDICTOR, body.revision, fact.t, listed=listed)
        _advance(found[body.name], fact.t, body)
    return found


def _advance(pod: PodTimeline, t: float, body: PodBody) -> None:
    if body.change is ChangeType.DELETED:
        pod.gone = min(pod.gone, t)
        _end_ready(pod, t)
        return
    if body.deleting:
        pod.deleting = min(pod.deleting, t)
        pod.deletion_wall = body.deletion_wall or pod.deletion_wall
    if body.scheduled:
        pod.scheduled = min(pod.scheduled, t)
    elif body.reason == "Unschedulable":
        pod.unschedulable.append((t, body.message))
    if body.phase in ENDED:
        pod.ended = min(pod.ended, t)
    if body.phase == "Running":
        pod.running = min(pod.running, t)
    pod.node = body.node or pod.node
    pod.resources = dict(body.resources or pod.resources)
    pod.devices = body.devices or pod.devices
    pod.created_wall = body.created_wall or pod.created_wall
    for container in (*body.containers, *body.init_containers):
        pod.restarts = max(pod.restarts, container.restarts)
        if container.reason:
            pod.waiting_reasons.add(container.reason)
    if body.ready and not body.deleting:
        if not pod.ready or pod.ready[-1][1] != NEVER:
            pod.ready.append((t, NEVER))
    else:
        _end_ready(pod, t)


def _end_ready(pod: PodTimeline, t: float) -> None:
    if pod.ready and pod.ready[-1][1] == NEVER:
        pod.ready[-1] = (pod.ready[-1][0], t)


def total(pods: Sequence[PodTimeline]) -> StepFunction:
    """Pods without deletion timestamp, Pending ones included."""
    return StepFunction.counting([pod.seen for pod in pods], [pod.leaves for pod in pods])


def ready(pods: Sequence[PodTimeline]) -> StepFunction:
    """Pods that are Ready and not on their way out."""
    spans = [span for pod in pods for span in pod.ready]
    return StepFunction.counting([start for start, _ in spans], [end for _, end in spans])


def running(pods: Sequence[PodTimeline]) -> StepFunction:
    """Pods whose containers run and that are not on their way out."""
    alive = [pod for pod in pods if pod.running < pod.leaves]
    return StepFunction.counting([pod.running for pod in alive], [pod.leaves for pod in alive])
