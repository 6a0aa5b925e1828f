"""Deletions that leave dependents behind: what the garbage collector does for `propagationPolicy: Orphan`.

The API server marks the object with the finalizer `orphan`. Its dependents lose their reference to it, then the
finalizer goes and with it the object.
"""

from __future__ import annotations

import asyncio

from clusters.embedded.api.change_log import Entry
from clusters.embedded.api.lifecycle import without_finalizer
from clusters.embedded.api.store import Store
from clusters.embedded.objects.metadata import is_terminating

FINALIZER = "orphan"


class Orphans:
    """Watches every kind of object, those defined later too."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self) -> None:
        """Act on deletions from now on, each in a step of its own after the change that asked for it."""
        self._store.listen(self._notice)

    def _notice(self, entry: Entry) -> None:
        if entry.type == "MODIFIED" and is_terminating(entry.object) and FINALIZER in _finalizers(entry):
            asyncio.get_running_loop().call_soon(self._release, entry)

    def _release(self, entry: Entry) -> None:
        store, kind = self._store, self._store.kinds.stored_at(entry.storage)
        held = store.objects(entry.storage).get(entry.key)
        uid = entry.object["metadata"]["uid"]
        if kind is None or held is None or held["metadata"]["uid"] != uid:
            return
        for dependent_kind, dependent in list(store.dependents(uid)):
            metadata = dict(dependent["metadata"])
            left = [owner for owner in metadata["ownerReferences"] if owner.get("uid") != uid]
            if left:
                metadata["ownerReferences"] = left
            else:
                del metadata["ownerReferences"]
            store.replace(dependent_kind, dependent, {**dependent, "metadata": metadata})
        store.replace(kind, held, without_finalizer(held, FINALIZER))


def _finalizers(entry: Entry) -> list[str]:
    return entry.object["metadata"].get("finalizers") or []
