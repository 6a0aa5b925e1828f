"""Everything a scenario watches, written down as facts and kept as the present state for those who wait on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.base.clock import Clock
from conformance.base.tasks import tasks
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import (
    AUTOSCALERS,
    DEPLOYMENTS,
    EVENTS,
    INFERENCE_SERVICES,
    KNATIVE_SERVICES,
    POD_AUTOSCALERS,
    PODS,
    REVISIONS,
    SERVERLESS_SERVICES,
    Resource,
)
from conformance.kube.verbs import ApiStatus, Object
from conformance.observe import object_facts
from conformance.observe.follow import Follower, Gap, ShapeError
from conformance.recording.facts import FactKind
from conformance.recording.writer import Recorder

Parser = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Subject:
    resource: Resource
    kind: FactKind
    parse: Parser
    required: bool = True


_SUBJECTS: Final = (
    _Subject(PODS, FactKind.POD, object_facts.pod),
    _Subject(INFERENCE_SERVICES, FactKind.INFERENCE_SERVICE, object_facts.inference_service),
    _Subject(DEPLOYMENTS, FactKind.DEPLOYMENT, object_facts.deployment),
    _Subject(EVENTS, FactKind.EVENT, object_facts.event, required=False),
    _Subject(KNATIVE_SERVICES, FactKind.SERVICE, object_facts.service, required=False),
    _Subject(REVISIONS, FactKind.REVISION, object_facts.revision, required=False),
    _Subject(POD_AUTOSCALERS, FactKind.POD_AUTOSCALER, object_facts.pod_autoscaler, required=False),
    _Subject(SERVERLESS_SERVICES, FactKind.ROUTE_MODE, object_facts.route_mode, required=False),
    _Subject(AUTOSCALERS, FactKind.AUTOSCALER_RESOURCE, object_facts.autoscaler_resource, required=False),
)


@dataclass(slots=True)
class State:
    """The present, by kind and name."""

    bodies: dict[FactKind, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def all(self, kind: FactKind) -> list[dict[str, Any]]:
        """Bodies of one kind, by name."""
        return [body for _, body in sorted(self.bodies.get(kind, {}).items())]

    def pods(self) -> list[dict[str, Any]]:
        """Pods that are not on their way out."""
        return [pod for pod in self.all(FactKind.POD) if not pod["deleting"]]


class Observer:
    """Watches one namespace. Use `observe`."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self.state = State()
        self.listeners: list[Callable[[FactKind, Mapping[str, Any]], None]] = []
        """Told of each change that is recorded."""
        self._recorder = recorder
        self._clock = clock
        self._changed = asyncio.Event()

    async def changed(self, within: float) -> None:
        """Wait for the next change of anything watched, at most `within` seconds."""
        self._changed.clear()
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return

    def tell(self, subject: _Subject, change: str, value: Object) -> None:
        try:
            body = subject.parse(value)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ShapeError(f"{subject.resource.plural}: an object of a shape that none has: {error}") from error
        if subject.kind is FactKind.EVENT:
            # It happened. That the API server drops it an hour later is nothing that happens again.
            if change != "DELETED":
                self._record(subject.kind, body, body)
            return
        known = self.state.bodies.setdefault(subject.kind, {})
        before = known.get(body["name"])
        if change == "DELETED":
            known.pop(body["name"], None)
        else:
            known[body["name"]] = body
            if change == "MODIFIED" and before == body:
                return
        self._record(subject.kind, body, {**body, "change": change})

    def _record(self, kind: FactKind, body: Mapping[str, Any], fact: Mapping[str, Any]) -> None:
        self._recorder.write(kind, fact)
        for listener in self.listeners:
            listener(kind, body)
        self._changed.set()

    def gap(self, gap: Gap) -> None:
        origin = self._recorder.header.origin_monotonic
        self._recorder.write(
            FactKind.GAP,
            {
                "kind": gap.plural,
                "from": round(gap.start - origin, 6),
                "to": round(gap.end - origin, 6),
                "reason": gap.reason,
            },
        )


@asynccontextmanager
async def observe(api: ApiClient, namespace: str, recorder: Recorder, clock: Clock) -> AsyncIterator[Observer]:
    """Watch a namespace while the block runs; it begins once every kind has been listed.

    A kind the cluster does not have, or does not let us read, is noted and left out, unless scenarios cannot do without
    it. PlatformError ends the block when the API server stays away."""
    observer = Observer(recorder, clock)
    followers = [_follower(api, namespace, subject, observer, clock) for subject in _SUBJECTS]
    async with tasks() as group:
        following = [
            group.create_task(_keep(follower, subject, recorder))
            for follower, subject in zip(followers, _SUBJECTS, strict=True)
        ]
        for follower in followers:
            await follower.listed.wait()
        yield observer
        for task in following:
            task.cancel()


def _follower(api: ApiClient, namespace: str, subject: _Subject, observer: Observer, clock: Clock) -> Follower:
    def change(kind: str, value: Object) -> None:
        observer.tell(subject, kind, value)

    return Follower(api, subject.resource, namespace, clock, change, observer.gap)


async def _keep(follower: Follower, subject: _Subject, recorder: Recorder) -> None:
    try:
        await follower.run()
    except ApiStatus as status:
        if subject.required:
            raise
        recorder.write(FactKind.NOTE, {"level": "info", "text": f"{subject.resource.plural} not watched: {status}"})
        follower.listed.set()
