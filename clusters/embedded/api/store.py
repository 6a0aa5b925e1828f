"""The objects: one resourceVersion counter, optimistic locking, generations, finalizers, owners.

Mutations are synchronous, so each is atomic in the event loop. Objects inside are frozen by agreement: a change makes a
new object, the REST side reads them in place, and the public methods hand out copies.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from clusters.embedded.api import lifecycle, managed
from clusters.embedded.api.expiry import Expiry
from clusters.embedded.api.kinds import Kind, Kinds, Storage, built_in_kinds
from clusters.embedded.api.ledger import Entry, Key, Ledger, Watch
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import MODIFIED, Object, already_exists, conflict, not_found
from clusters.embedded.api.values import copied
from conformance.base.clock import Clock
from conformance.kube.resources import Resource

NAME_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes leaves out vowels and look-alikes so that no word comes out by chance."""

PLATFORM_MANAGER: Final = "platform"


class Store:
    """All objects of one API server."""

    def __init__(
        self, clock: Clock, rng: random.Random, kinds: Kinds | None = None, *, keep_changes: int = 20_000
    ) -> None:
        self.clock = clock
        self.kinds = kinds or built_in_kinds()
        self.ledger = Ledger(keep_changes, clock.monotonic)
        self._expiry = Expiry()
        self._rng = rng
        self._objects: dict[Storage, dict[Key, Object]] = {}
        self._owned: dict[str, dict[tuple[Storage, Key], None]] = {}
        self._listeners: list[Callable[[Entry], None]] = []

    # Reading

    @property
    def version(self) -> int:
        """The resourceVersion of the last change."""
        return self.ledger.version

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
        self, resource: Resource, namespace: str | None = None, labels: Mapping[str, str] | str | None = None
    ) -> list[Object]:
        """Copies of objects, by namespace and name. `labels` is a selector or pairs that must be there."""
        selector = LabelSelector.parse(labels) if isinstance(labels, str) else LabelSelector.matching(labels or {})
        held = self.objects(self.kinds.of(resource).storage)
        return [
            copied(held[key])
            for key in sorted(held)
            if (not namespace or key[0] == namespace) and selector.matches(held[key]["metadata"].get("labels") or {})
        ]

    # Writing

    def create(
        self, resource: Resource, obj: Object, *, namespace: str | None = None, manager: str = PLATFORM_MANAGER
    ) -> Object:
        """Store a new object as given, status too. Raises ApiError AlreadyExists."""
        kind = self.kinds.of(resource)
        value = copied(obj)
        metadata = value.setdefault("metadata", {})
        value["apiVersion"], value["kind"] = resource.api_version, resource.kind
        if resource.namespaced:
            metadata["namespace"] = namespace or metadata.get("namespace") or "default"
        self.stamp(kind, value)
        managed.track(kind, None, value, manager, self.now())
        return copied(self.insert(kind, value))

    def update(
        self, resource: Resource, obj: Object, *, subresource: str | None = None, manager: str = PLATFORM_MANAGER
    ) -> Object:
        """Replace an object, or only its status. Raises ApiError NotFound, or Conflict on a stale resourceVersion."""
        kind = self.kinds.of(resource)
        metadata = obj["metadata"]
        old = self._held(kind, (metadata.get("namespace") or "", metadata["name"]))
        wanted = metadata.get("resourceVersion")
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, metadata["name"], MODIFIED)
        value = lifecycle.merged_update(kind, old, copied(obj), subresource)
        lifecycle.bump_generation(kind, old, value)
        managed.track(kind, old, value, manager, self.now(), subresource=subresource or "")
        return copied(self.replace(kind, old, value))

    def patch_status(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        status: Mapping[str, Any],
        *,
        manager: str = PLATFORM_MANAGER,
    ) -> Object:
        """Replace `.status`; nothing happens when it is equal already."""
        kind = self.kinds.of(resource)
        old = self._held(kind, (namespace or "", name))
        if old.get("status") == status:
            return copied(old)
        value = {**old, "metadata": dict(old["metadata"]), "status": copied(dict(status))}
        managed.track(kind, old, value, manager, self.now(), subresource="status")
        return copied(self.replace(kind, old, value))

    def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> Object | None:
        """Delete as the API would. Returns the object as it now is, None when it is gone at once."""
        kind = self.kinds.of(resource)
        old = self._held(kind, (namespace or "", name))
        left = self.begin_deletion(kind, old, propagation, grace_seconds)
        return None if left is None else copied(left)

    def remove(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Take an object out at once, as a kubelet ends a pod; finalizers still hold it. Nothing when it is gone."""
        kind = self.kinds.of(resource)
        old = self.peek(kind, (namespace or "", name))
        if old is not None:
            self.begin_deletion(kind, old, "Background", 0)

    # Watching

    def watch(self, resource: Resource, namespace: str | None = None, since: int | str | None = None) -> ObjectWatch:
        """Changes after a resourceVersion; without one, first an ADDED for each object there is.

        Raises ApiError Expired (410) when `since` is no longer known.
        """
        kind = self.kinds.of(resource)
        if since is None:
            first = self.present(kind.storage, namespace)
        else:
            first = self.ledger.after(kind.storage, int(since))
        return ObjectWatch(self.ledger.watch(kind.storage, namespace, first))

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

    # Beneath: used by the REST side, on objects prepared by it

    def now(self) -> str:
        """This moment as Kubernetes writes it."""
        return timestamp(self.clock.wall())

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
        if managed.same(old, value):
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
        if managed.same(old, value):
            return old
        left = self._commit("MODIFIED", kind.storage, key, value, old)
        if propagation == "Foreground":
            self.delete_dependents(value["metadata"]["uid"])
        return self._objects.get(kind.storage, {}).get(key, left)

    def preview_deletion(self, kind: Kind, old: Object, propagation: str, grace_seconds: int | None) -> Object | None:
        """What `begin_deletion` would leave, without doing it."""
        return lifecycle.marked_for_deletion(kind, old, propagation, grace_seconds, self.clock.wall())

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
        value["metadata"]["resourceVersion"] = str(self.ledger.version + 1)
        held = self._objects.setdefault(storage, {})
        held[key] = value
        self._index(storage, key, old, value)
        entry = self.ledger.append(type_, storage, key, value, old)
        self._expiry.note(entry)
        for listener in self._listeners:
            listener(entry)
        return value

    def _expire(self, written: tuple[Storage, Key]) -> None:
        """Remove what has lived its time; not what is being written."""
        while (due := self._expiry.due(self.clock.monotonic())) is not None:
            storage, key, version = due
            held = self._objects[storage].get(key)
            if held is not None and held["metadata"]["resourceVersion"] == version and (storage, key) != written:
                self._remove(storage, key, {**held, "metadata": dict(held["metadata"])})

    def _remove(self, storage: Storage, key: Key, last: Object) -> Object:
        old = self._objects[storage].pop(key)
        last["metadata"]["resourceVersion"] = str(self.ledger.version + 1)
        self._index(storage, key, old, None)
        entry = self.ledger.append("DELETED", storage, key, last, old)
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


class ObjectWatch:
    """(type, object) pairs with copies of the objects: an async iterator and an async context manager."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __aiter__(self) -> AsyncIterator[tuple[str, Object]]:
        return self

    async def __anext__(self) -> tuple[str, Object]:
        entry = await self._watch.__anext__()
        return entry.type, copied(entry.object)

    async def __aenter__(self) -> ObjectWatch:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.close()

    def take(self) -> Sequence[tuple[str, Object]]:
        """All changes that have come, without waiting."""
        return [(entry.type, copied(entry.object)) for entry in self._watch.take()]

    def close(self) -> None:
        """End the iteration."""
        self._watch.close()


def timestamp(wall_seconds: float) -> str:
    """RFC 3339 with whole seconds, UTC."""
    return datetime.fromtimestamp(int(wall_seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
