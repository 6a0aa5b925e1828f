"""CustomResourceDefinitions at work: served while they are there, emptied of their objects before they go.

The API server itself ends a deleted definition: it marks it with a finalizer, deletes the objects, waits until those
with finalizers of their own are gone too, and takes its finalizer away.
"""

from __future__ import annotations

import asyncio
from typing import Final

from clusters.embedded.api.crds import CRD_STORAGE, CRDS, complete, established, kinds_of, shipped
from clusters.embedded.api.hooks import Review
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.ledger import Entry
from clusters.embedded.api.lifecycle import CLEANUP, with_condition, without_finalizer
from clusters.embedded.api.status import Object, forbidden
from clusters.embedded.api.store import Store

IN_PROGRESS: Final = ("True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
COMPLETED: Final = ("False", "InstanceDeletionCompleted", "removed all instances")


class Definitions:
    """Keeps the served kinds in step with the definitions in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ending: dict[Storage, str] = {}
        """Definitions that wait for their last objects, by where those are stored."""
        store.listen(self._changed)

    def _changed(self, entry: Entry) -> None:
        if entry.type == "DELETED" and entry.storage in self._ending:
            self._soon(self._ending[entry.storage])
        if entry.storage != CRD_STORAGE:
            return
        spec, metadata = entry.object["spec"], entry.object["metadata"]
        group, plural = spec["group"], spec["names"]["plural"]
        if entry.type == "DELETED":
            self._ending.pop((group, plural), None)
            self._store.kinds.remove(group, plural)
            self._store.ledger.end((group, plural))
            return
        if "deletionTimestamp" in metadata:
            if CLEANUP in (metadata.get("finalizers") or ()) and (group, plural) not in self._ending:
                self._ending[group, plural] = metadata["name"]
                self._soon(metadata["name"])
            return
        if entry.previous is None or entry.previous["spec"] != spec:
            self._serve(entry)

    def _serve(self, entry: Entry) -> None:
        spec = entry.object["spec"]
        if entry.type == "MODIFIED":
            self._store.kinds.remove(spec["group"], spec["names"]["plural"])
        for kind in kinds_of(entry.object):
            self._store.kinds.add(kind)

    def _soon(self, name: str) -> None:
        """End a definition in a step of its own, so that the deletion is answered and seen first."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._end(name)
        else:
            loop.call_soon(self._end, name)

    def _end(self, name: str) -> None:
        store, kind = self._store, self._store.kinds.of(CRDS)
        held = store.peek(kind, ("", name))
        if held is None or CLEANUP not in (held["metadata"].get("finalizers") or ()):
            return
        held = store.replace(kind, held, self._told(held, *IN_PROGRESS))
        spec = held["spec"]
        self._delete_instances((spec["group"], spec["names"]["plural"]))
        held = store.peek(kind, ("", name))
        if held is None or store.objects((spec["group"], spec["names"]["plural"])):
            return
        store.replace(kind, held, without_finalizer(self._told(held, *COMPLETED), CLEANUP))

    def _told(self, held: Object, status: str, reason: str, message: str) -> Object:
        return with_condition(held, "Terminating", status, reason, message, self._store.now())

    def _delete_instances(self, storage: Storage) -> None:
        kind = self._store.kinds.stored_at(storage)
        for value in list(self._store.objects(storage).values()):
            if kind is not None and "deletionTimestamp" not in value["metadata"]:
                self._store.begin_deletion(kind, value, "Background", 0)


def check(store: Store, review: Review) -> None:
    """Raises ApiError Forbidden for a new object whose definition is going."""
    if review.operation != "CREATE" or not review.kind.custom:
        return
    resource = review.resource
    definition = store.objects(CRD_STORAGE).get(("", f"{resource.plural}.{resource.group}"))
    if definition is not None and "deletionTimestamp" in definition["metadata"]:
        text = "create not allowed while custom resource definition is terminating"
        raise forbidden(resource.plural, resource.group, review.name, text)


def install(store: Store) -> Definitions:
    """Serve the shipped definitions and whatever is defined later."""
    definitions = Definitions(store)
    kind: Kind = store.kinds.of(CRDS)
    for crd in shipped():
        value: Object = {
            "kind": "CustomResourceDefinition",
            "apiVersion": "apiextensions.k8s.io/v1",
            "metadata": dict(crd["metadata"]),
            "spec": {**crd["spec"], "names": dict(crd["spec"]["names"])},
        }
        complete(value)
        store.stamp(kind, value)
        value["status"] = established(value, store.now())
        store.insert(kind, value)
    return definitions
