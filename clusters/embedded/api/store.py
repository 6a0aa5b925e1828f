"""Storage: the objects, one resourceVersion counter, optimistic locking, generations, finalizers, owners.

Mutations are synchronous, so each is atomic in the event loop. Objects inside are frozen by agreement: a change makes a
new object, the REST side reads them in place, and the methods that take a resource hand out copies.
"""

from __future__ import annotations

import random
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from clusters.embedded.api import field_manager, lifecycle
from clusters.embedded.api.api_errors import Object, already_exists, conflict, not_found
from clusters.embedded.api.change_log import ChangeLog, Entry, Key
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Kind, Kinds, Resource, Storage, built_in_kinds

NAME_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes leaves out vowels and look-alikes so that no word comes out by chance."""

PLATFORM_MANAGER: Final = "platform"

TTL_SECONDS: Final[Mapping[Storage, float]] = {("", "events"): 3600.0}
"""Objects that end by themselves: Events, an hour after they were last written, as the API server does (--event-ttl).
There is no timer: what is due goes when something next changes, and a store in which nothing changes does not grow."""


class Clock(Protocol):
    """Where time comes from."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin; never goes back."""

    def wall(self) -> float:
        """Unix seconds."""


class Store:
    """All objects of one API server."""

    def __init__(
        self, clock: Clock, rng: random.Random, kinds: Kinds | None = None, *, keep_changes: int = 20_000
    ) -> None:
        self.clock = clock
        self.kinds = kinds or built_in_kinds()
        self.change_log = ChangeLog(keep_changes, clock.monotonic)
        self._ends: deque[tuple[float, Storage, Key, str]] = deque()
        self._rng = rng
        self._objects: dict[Storage, dict[Key, Object]] = {}
        self._owned: dict[str, dict[tuple[Storage, Key], None]] = {}
        self._listeners: list[Callable[[Entry], None]] = []

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self.change_log.version

    def peek(self, kind: Kind, key: Key) -> Object | None:
        """The stored object itself: read only."""
        return self._objects.get(kind.storage, {}).get(key)

    def objects(self, storage: Storage) -> Mapping[Key, Object]:
        """All objects of a storage by key: read only."""
        return self._objects.get(storage, {})

    def storages(self) -> list[Storage]:
        """Storages that hold something, in a stable order."""
        return sorted(storage for storage, held in self._objects.items() if held)

    def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """A copy of one object."""
        found = self.peek(self.kinds.of(resource), (namespace or "", name))
        return None if found is None else copied(found)

    def list(
        self, resource: Resource, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """Copies of objects, by namespace and name; only those with all these labels."""
        held, wanted = self.objects(self.kinds.of(resource).storage), (labels or {}).items()
        return [
            copied(held[key])
            for key in sorted(held)
            if (not namespace or key[0] == namespace) and wanted <= (held[key]["metadata"].get("labels") or {}).items()
        ]

    def create(self, resource: Resource, obj: Object, *, namespace: str | None = None) -> Object:
        """Store a new object as given, status too. Raises ApiError AlreadyExists."""
        kind = self.kinds.of(resource)
        value = copied(obj)
        metadata = value.setdefault("metadata", {})
        value["apiVersion"], value["kind"] = resource.api_version, resource.kind
        if resource.namespaced:
            metadata["namespace"] = namespace or metadata.get("namespace") or "default"
        self.stamp(kind, value)
        field_manager.track(kind, None, value, PLATFORM_MANAGER, self.now())
        return copied(self.insert(kind, value))

    def update(self, resource: Resource, obj: Object) -> Object:
        """Replace an object but for its status. Raises ApiError NotFound, or Conflict on a stale resourceVersion."""
        kind, metadata = self.kinds.of(resource), obj["metadata"]
        old = self._held(kind, (metadata.get("namespace") or "", metadata["name"]))
        wanted = metadata.get("resourceVersion")
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, metadata["name"])
        value = lifecycle.merged_update(kind, old, copied(obj), None)
        lifecycle.bump_generation(kind, old, value)
        field_manager.track(kind, old, value, PLATFORM_MANAGER, self.now())
        return copied(self.replace(kind, old, value))

    def patch_status(self, resource: Resource, namespace: str | None, name: str, status: Mapping[str, Any]) -> None:
        """Replace `.status`; nothing happens when it is equal already."""
        kind = self.kinds.of(resource)
        old = self._held(kind, (namespace or "", name))
        if old.get("status") == status:
            return
        value = {**old, "metadata": dict(old["metadata"]), "status": copied(dict(status))}
        field_manager.track(kind, old, value, PLATFORM_MANAGER, self.now(), subresource="status")
        self.replace(kind, old, value)

    def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Delete as the API would, what it owns in the background."""
        kind = self.kinds.of(resource)
        self.begin_deletion(kind, self._held(kind, (namespace or "", name)), "Background", None)

    def remove(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Take an object out at once, as a kubelet ends a pod; finalizers still hold it. Nothing when it is gone."""
        kind = self.kinds.of(resource)
        old = self.peek(kind, (namespace or "", name))
        if old is not None:
            self.begin_deletion(kind, old, "Background", 0)

    def present(self, storage: Storage, namespace: str | None = None) -> Sequence[Entry]:
        """What is there, as ADDED entries."""
        held = self.objects(storage)
        return [
            Entry(int(held[key]["metadata"]["resourceVersion"]), "ADDED", storage, key, held[key], None)
            for key in sorted(held)
            if not namespace or key[0] == namespace
        ]

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Call a function synchronously after each change of any kind; it must not raise."""
        self._listeners.append(listener)

    def now(self) -> str:
        """This moment as Kubernetes writes it."""
        return lifecycle.timestamp(self.clock.wall())

    def new_uid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def new_suffix(self) -> str:
        return "".join(self._rng.choice(NAME_ALPHABET) for _ in range(5))

    def stamp(self, kind: Kind, value: Object) -> None:
        """Give a new object what only the server may give."""
        metadata = value["metadata"]
        for system in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "generation"):
            metadata.pop(system, None)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"][:58] + self.new_suffix()
        metadata["uid"] = self.new_uid()
        metadata["creationTimestamp"] = self.now()
        if kind.generation:
            metadata["generation"] = 1

    def insert(self, kind: Kind, value: Object) -> Object:
        """Store a stamped object. Raises AlreadyExists."""
        resource, metadata = kind.resource, value["metadata"]
        key = (metadata.get("namespace") or "", metadata["name"])
        held = self._objects.setdefault(kind.storage, {})
        if key in held:
            raise already_exists(resource.plural, resource.group, key[1])
        return self._commit("ADDED", kind.storage, key, value, None)

    def replace(self, kind: Kind, old: Object, value: Object) -> Object:
        """Store a new state of an object; the old one again changes nothing. Ends a deletion whose last finalizer
        went with this change."""
        key = (old["metadata"].get("namespace") or "", old["metadata"]["name"])
        if field_manager.same(old, value):
            return old
        if lifecycle.is_finished(old, value):
            last = {**value, "metadata": {**value["metadata"]}}
            return self._remove(kind.storage, key, last)
        return self._commit("MODIFIED", kind.storage, key, value, old)

    def begin_deletion(self, kind: Kind, old: Object, propagation: str, grace_seconds: int | None) -> Object | None:
        """Mark, or remove when nothing holds it. Returns what is left; None when it is gone."""
        key = (old["metadata"].get("namespace") or "", old["metadata"]["name"])
        value = lifecycle.marked_for_deletion(kind, old, propagation, grace_seconds, self.clock.wall())
        if value is None:
            self._remove(kind.storage, key, {**old, "metadata": dict(old["metadata"])})
            return None
        if field_manager.same(old, value):
            return old
        left = self._commit("MODIFIED", kind.storage, key, value, old)
        if propagation == "Foreground":
            self.delete_dependents(value["metadata"]["uid"])
        return self._objects.get(kind.storage, {}).get(key, left)

    def dependents(self, uid: str) -> Iterator[tuple[Kind, Object]]:
        """Objects that name an owner."""
        for storage, key in list(self._owned.get(uid, ())):
            kind, held = self.kinds.stored_at(storage), self._objects.get(storage, {}).get(key)
            if kind is not None and held is not None:
                yield kind, held

    def delete_dependents(self, uid: str) -> None:
        """Delete what is owned, for a foreground deletion of the owner: in the foreground again where it owns something
        itself, so that the last of a family is gone before the first."""
        for kind, held in self.dependents(uid):
            if "deletionTimestamp" not in held["metadata"]:
                owns = bool(self._owned.get(held["metadata"]["uid"]))
                self.begin_deletion(kind, held, "Foreground" if owns else "Background", None)
        self._finish_foreground(uid)

    def _held(self, kind: Kind, key: Key) -> Object:
        found = self.peek(kind, key)
        if found is None:
            raise not_found(kind.resource.plural, kind.resource.group, key[1])
        return found

    def _commit(self, type_: str, storage: Storage, key: Key, value: Object, old: Object | None) -> Object:
        self._expire((storage, key))
        value["metadata"]["resourceVersion"] = str(self.change_log.version + 1)
        held = self._objects.setdefault(storage, {})
        held[key] = value
        self._index(storage, key, old, value)
        entry = self.change_log.append(type_, storage, key, value, old)
        if storage in TTL_SECONDS:
            self._ends.append((entry.at + TTL_SECONDS[storage], storage, key, str(entry.version)))
        for listener in self._listeners:
            listener(entry)
        return value

    def _expire(self, written: tuple[Storage, Key]) -> None:
        """Remove what has lived its time; not what is being written."""
        while self._ends and self._ends[0][0] <= self.clock.monotonic():
            _, storage, key, version = self._ends.popleft()
            held = self._objects[storage].get(key)
            if held is not None and held["metadata"]["resourceVersion"] == version and (storage, key) != written:
                self._remove(storage, key, {**held, "metadata": dict(held["metadata"])})

    def _remove(self, storage: Storage, key: Key, last: Object) -> Object:
        old = self._objects[storage].pop(key)
        last["metadata"]["resourceVersion"] = str(self.change_log.version + 1)
        self._index(storage, key, old, None)
        entry = self.change_log.append("DELETED", storage, key, last, old)
        for listener in self._listeners:
            listener(entry)
        self._collect(last)
        return last

    def _index(self, storage: Storage, key: Key, old: Object | None, new: Object | None) -> None:
        before = lifecycle.owner_uids(old)
        after = lifecycle.owner_uids(new)
        for uid in before - after:
            owned = self._owned.get(uid, {})
            owned.pop((storage, key), None)
            if not owned:
                self._owned.pop(uid, None)
        for uid in sorted(after - before):
            self._owned.setdefault(uid, {})[storage, key] = None

    def _collect(self, gone: Object) -> None:
        """Background collection: what the gone object owned alone goes too; then owners that waited for it."""
        uid = gone["metadata"]["uid"]
        orphaned = "orphan" in (gone["metadata"].get("finalizers") or ())
        for kind, held in list(self.dependents(uid)):
            left = [owner for owner in held["metadata"]["ownerReferences"] if owner.get("uid") != uid]
            if left or orphaned:
                metadata = {**held["metadata"], "ownerReferences": left}
                if not left:
                    del metadata["ownerReferences"]
                self.replace(kind, held, {**held, "metadata": metadata})
            elif "deletionTimestamp" not in held["metadata"]:
                self.begin_deletion(kind, held, "Background", None)
        for owner in sorted(lifecycle.owner_uids(gone)):
            self._finish_foreground(owner)

    def _finish_foreground(self, uid: str) -> None:
        """Drop the foregroundDeletion finalizer of an owner whose blocking dependents are gone."""
        if any(lifecycle.blocks(held, uid) for _, held in self.dependents(uid)):
            return
        for storage, held in list(self._objects.items()):
            for value in list(held.values()):
                if value["metadata"]["uid"] == uid and lifecycle.waits_in_foreground(value):
                    kind = self.kinds.stored_at(storage)
                    if kind is not None:
                        self.replace(kind, value, lifecycle.without_finalizer(value, "foregroundDeletion"))
                    return
