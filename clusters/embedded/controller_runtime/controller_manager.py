"""What a controller is, and the loop that runs all of them.

A controller looks at one object and makes the context a step more like it. Its `reconcile` is a plain synchronous
function: it reads the store as it is now and writes at once, so nothing can come between, and in virtual time the same
seed gives the same steps. Changes in the store only say which object to look at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.change_log import Entry
from clusters.embedded.api.kinds import Storage
from clusters.embedded.api.store import Store
from clusters.embedded.dataplane.task_owner import TaskOwner
from clusters.embedded.objects.metadata import Object, ObjectKey, key_of
from conformance.kube.resources import Resource

FIRST_RETRY_SECONDS: Final = 0.05
LAST_RETRY_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


def itself(value: Object) -> Iterable[ObjectKey]:
    """Watched objects are looked at themselves."""
    return (key_of(value),)


def owner_of(kind: str) -> Callable[[Object], Iterable[ObjectKey]]:
    """A change of an object means looking at its controlling owner of that kind."""

    def keys(value: Object) -> Iterable[ObjectKey]:
        for reference in value["metadata"].get("ownerReferences") or ():
            if reference.get("controller") and reference["kind"] == kind:
                yield ObjectKey(value["metadata"].get("namespace", ""), reference["name"])

    return keys


def labelled(label: str) -> Callable[[Object], Iterable[ObjectKey]]:
    """A change of an object means looking at the one that its label names."""

    def keys(value: Object) -> Iterable[ObjectKey]:
        name = (value["metadata"].get("labels") or {}).get(label)
        if name:
            yield ObjectKey(value["metadata"].get("namespace", ""), name)

    return keys


@dataclass(frozen=True, slots=True)
class Watched:
    """Objects whose changes concern a controller."""

    resource: Resource
    keys: Callable[[Object], Iterable[ObjectKey]] = itself


class Controller(Protocol):
    """Makes one kind of object true."""

    name: str
    watches: Sequence[Watched]

    def reconcile(self, key: ObjectKey) -> float | None:
        """Look at one object, which may be gone. Returns seconds after which to look again whatever happens.
        An ApiError means trying again, later each time."""


class WorkQueue:
    """Keys waiting for one controller, each at most once; those for later carry a timer."""

    def __init__(self) -> None:
        self._ready: dict[ObjectKey, None] = {}
        self._later: dict[ObjectKey, asyncio.TimerHandle] = {}
        self._some = asyncio.Event()
        self._failures: dict[ObjectKey, int] = {}

    def add(self, key: ObjectKey) -> None:
        """Look at this soon."""
        self._ready[key] = None
        self._some.set()

    def add_after(self, key: ObjectKey, seconds: float) -> None:
        """Look at this in a while; an earlier appointment stands."""
        loop = asyncio.get_running_loop()
        known = self._later.get(key)
        if known is not None:
            if known.when() <= loop.time() + seconds:
                return
            known.cancel()
        self._later[key] = loop.call_later(seconds, self._due, key)

    def _due(self, key: ObjectKey) -> None:
        self._later.pop(key, None)
        self.add(key)

    async def take(self) -> ObjectKey:
        """The key that waits longest."""
        while not self._ready:
            self._some.clear()
            await self._some.wait()
        key = next(iter(self._ready))
        del self._ready[key]
        return key

    def succeeded(self, key: ObjectKey) -> None:
        """Forget earlier failures."""
        self._failures.pop(key, None)

    def failed(self, key: ObjectKey) -> None:
        """Try again, later each time."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        self.add_after(key, min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**count))

    def close(self) -> None:
        """Cancel what is for later."""
        for handle in self._later.values():
            handle.cancel()
        self._later.clear()


class ControllerManager:
    """Runs controllers: one queue and one worker for each, fed by every change in the store."""

    def __init__(self, store: Store, owner: TaskOwner) -> None:
        self._store = store
        self._owner = owner
        self._queues: dict[str, WorkQueue] = {}
        self._routes: dict[Resource, list[tuple[Watched, WorkQueue]]] = {}
        self._parts: list[Controller] = []
        self.failures: list[str] = []
        """What went wrong inside controllers; empty unless there is a mistake in one."""

    def add(self, controller: Controller) -> None:
        """Register before `start`."""
        queue = self._queues[controller.name] = WorkQueue()
        self._parts.append(controller)
        for source in controller.watches:
            self._routes.setdefault(source.resource, []).append((source, queue))

    def poke(self, controller: str, key: ObjectKey) -> None:
        """Make a controller look at an object for a reason that no object shows."""
        self._queues[controller].add(key)

    def start(self) -> None:
        """Start looking and working; ends with the owner's block."""
        by_storage: dict[Storage, list[tuple[Watched, WorkQueue]]] = {}
        for resource, routes in self._routes.items():
            by_storage.setdefault(self._store.kinds.of(resource).storage, []).extend(routes)

        def notice(entry: Entry) -> None:
            for source, queue in by_storage.get(entry.storage, ()):
                for key in source.keys(entry.object):
                    queue.add(key)

        for storage in by_storage:
            for entry in self._store.present(storage):
                notice(entry)
        self._store.listen(notice)
        for controller in self._parts:
            self._owner.start(self._work(controller, self._queues[controller.name]))

    async def _work(self, controller: Controller, queue: WorkQueue) -> None:
        try:
            while True:
                key = await queue.take()
                try:
                    again = controller.reconcile(key)
                except ApiError as error:
                    log.debug("%s %s: %s", controller.name, key, error)
                    queue.failed(key)
                except (LookupError, TypeError, ValueError, AttributeError) as error:
                    # An object of a shape nobody thought of must not take the platform down.
                    log.exception("%s failed on %s", controller.name, key)
                    self.failures.append(f"{controller.name} {key.namespace}/{key.name}: {error!r}")
                    queue.failed(key)
                else:
                    queue.succeeded(key)
                    if again is not None:
                        queue.add_after(key, again)
                await asyncio.sleep(0)
        finally:
            queue.close()
