"""The life of each pod as its facts tell: seen, scheduled, ready, on its way out, gone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from conformance.judge.step_function import StepFunction
from conformance.recording.facts import Fact

NEVER = math.inf


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


def pod_timelines(facts: Iterable[Fact]) -> dict[str, PodTimeline]:
    """All pods by name from their facts in order."""
    found: dict[str, PodTimeline] = {}
    for fact in facts:
        body = fact.body
        name = str(body.get("name", ""))
        life = found.get(name)
        if life is None:
            life = found[name] = PodTimeline(
                name,
                str(body.get("component") or "predictor"),
                str(body.get("revision") or ""),
                fact.t,
                listed=body.get("change") == "LISTED",
            )
        _tell(life, fact)
    return found


def _tell(life: PodTimeline, fact: Fact) -> None:
    body, t = fact.body, fact.t
    if body.get("change") == "DELETED":
        life.gone = min(life.gone, t)
        _end_ready(life, t)
        return
    if body.get("deleting"):
        life.deleting = min(life.deleting, t)
        life.deletion_wall = body.get("deletion_wall") or life.deletion_wall
    if body.get("scheduled"):
        life.scheduled = min(life.scheduled, t)
    elif body.get("reason") == "Unschedulable":
        life.unschedulable.append((t, str(body.get("message") or "")))
    if body.get("phase") == "Running":
        life.running = min(life.running, t)
    life.node = str(body.get("node") or life.node)
    life.resources = dict(body.get("resources") or life.resources)
    life.devices = tuple(body.get("devices") or life.devices)
    life.created_wall = body.get("created_wall") or life.created_wall
    for container in (*body.get("containers", ()), *body.get("init_containers", ())):
        life.restarts = max(life.restarts, int(container.get("restarts") or 0))
        if container.get("reason"):
            life.waiting_reasons.add(str(container["reason"]))
    if body.get("ready") and not body.get("deleting"):
        if not life.ready or life.ready[-1][1] != NEVER:
            life.ready.append((t, NEVER))
    else:
        _end_ready(life, t)


def _end_ready(life: PodTimeline, t: float) -> None:
    if life.ready and life.ready[-1][1] == NEVER:
        life.ready[-1] = (life.ready[-1][0], t)


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
