"""Everything a scenario watches, written down as facts and kept as the present state for those who wait on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar, cast

from conformance.base.clock import Clock
from conformance.base.tasks import tasks
from conformance.kube.api_client import ApiClient
from conformance.kube.follow import Follower, Gap, ShapeError
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
from conformance.recording.body import Body, ChangeType, ObjectBody
from conformance.recording.pod_bodies import EventBody, PodBody
from conformance.recording.run_bodies import GapBody, NoteBody
from conformance.recording.writer import Recorder

SERVICE_LABEL: Final = "serving.kserve.io/inferenceservice"

Parser = Callable[[Object], ObjectBody | EventBody]
AnyObject = TypeVar("AnyObject", bound=ObjectBody)


@dataclass(frozen=True, slots=True)
class _Subject:
    resource: Resource
    parse: Parser
    required: bool = True


_SUBJECTS: Final = (
    _Subject(PODS, object_facts.pod),
    _Subject(INFERENCE_SERVICES, object_facts.inference_service),
    _Subject(DEPLOYMENTS, object_facts.deployment),
    _Subject(EVENTS, object_facts.event, required=False),
    _Subject(KNATIVE_SERVICES, object_facts.service, required=False),
    _Subject(REVISIONS, object_facts.revision, required=False),
    _Subject(POD_AUTOSCALERS, object_facts.pod_autoscaler, required=False),
    _Subject(SERVERLESS_SERVICES, object_facts.route_mode, required=False),
    _Subject(AUTOSCALERS, object_facts.autoscaler_resource, required=False),
)


class State:
    """The objects that are there at present, by kind and name."""

    def __init__(self) -> None:
        self._objects: dict[type[ObjectBody], dict[str, ObjectBody]] = {}

    def all(self, kind: type[AnyObject]) -> list[AnyObject]:
        """Objects of one kind, by name."""
        return [cast(AnyObject, body) for _, body in sorted(self._objects.get(kind, {}).items())]

    def get(self, kind: type[AnyObject], name: str) -> AnyObject | None:
        """The object of that name, if it is there."""
        return cast("AnyObject | None", self._objects.get(kind, {}).get(name))

    def pods(self) -> list[PodBody]:
        """Pods that are not on their way out."""
        return [pod for pod in self.all(PodBody) if not pod.deleting]

    def update(self, body: ObjectBody) -> bool:
        """Take over a change; False for one that changes nothing that is kept."""
        known = self._objects.setdefault(type(body), {})
        if body.change is ChangeType.DELETED:
            known.pop(body.name, None)
            return True
        before, present = known.get(body.name), replace(body, change=ChangeType.MODIFIED)
        known[body.name] = present
        return body.change is not ChangeType.MODIFIED or before != present


class Observer:
    """Watches one namespace. Use `observe`."""

    def __init__(self, recorder: Recorder, clock: Clock, only: str = "") -> None:
        """`only` is a service's name where other services share the namespace; what is theirs is overlooked."""
        self._only = only
        self.state = State()
        self.listeners: list[Callable[[Body], None]] = []
        """Called with each change that is recorded."""
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

    def change(self, subject: _Subject, change: str, value: Object) -> None:
        """Record what became of an object."""
        if self._only and not belongs(value, self._only):
            return
        try:
            kind, body = ChangeType(change), subject.parse(value)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ShapeError(f"{subject.resource.plural}: an object of a shape that none has: {error}") from error
        if isinstance(body, ObjectBody):
            body = replace(body, change=kind)
            if self.state.update(body):
                self._record(body)
        elif kind is not ChangeType.DELETED:
            # An Event happened. That the API server drops it an hour later is nothing that happens again.
            self._record(body)

    def _record(self, body: Body) -> None:
        self._recorder.write(body)
        for listener in self.listeners:
            listener(body)
        self._changed.set()

    def gap(self, gap: Gap) -> None:
        origin = self._recorder.header.origin_monotonic
        start, end = round(gap.start - origin, 6), round(gap.end - origin, 6)
        self._recorder.write(GapBody(start, end, kind=gap.plural, reason=gap.reason))


def belongs(value: Object, service: str) -> bool:
    """Whether an object is an InferenceService's: by KServe's label, or else by its name, or its subject's."""
    metadata: Object = value.get("metadata") or {}
    labelled = (metadata.get("labels") or {}).get(SERVICE_LABEL)
    if labelled is not None:
        return bool(labelled == service)
    name = str((value.get("involvedObject") or metadata).get("name") or "")
    return name == service or name.startswith(f"{service}-")


@asynccontextmanager
async def observe(
    api: ApiClient, namespace: str, recorder: Recorder, clock: Clock, *, only: str = ""
) -> AsyncIterator[Observer]:
    """Watch a namespace, or in it `only` one service, NAMESPACE/NAME, while the block runs; it begins once every kind
    has been listed.

    A kind the cluster does not have, or does not let us read, is noted and left out, unless scenarios cannot do without
    it. PlatformError ends the block when the API server stays away."""
    observer = Observer(recorder, clock, only.rpartition("/")[2])
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
        observer.change(subject, kind, value)

    return Follower(api, subject.resource, namespace, clock, change, observer.gap)


async def _keep(follower: Follower, subject: _Subject, recorder: Recorder) -> None:
    try:
        await follower.run()
    except ApiStatus as status:
        if subject.required:
            raise
        recorder.write(NoteBody(f"{subject.resource.plural} not watched: {status}", "info"))
        follower.listed.set()
