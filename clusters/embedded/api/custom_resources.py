"""CustomResourceDefinitions: the kinds they serve while they are there, and their end, before which their objects go.

The API server itself ends a deleted definition: it marks it with a finalizer, deletes the objects, waits until those
with finalizers of their own are gone too, and takes its finalizer away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from clusters.embedded.api import defaulting
from clusters.embedded.api.change_log import Entry
from clusters.embedded.api.kinds import (
    CRD_STORAGE,
    CRDS,
    ApiResource,
    Column,
    Kind,
    ScalePaths,
    Storage,
    Subresource,
)
from clusters.embedded.api.lifecycle import CLEANUP, with_condition, without_finalizer
from clusters.embedded.api.status import Object
from clusters.embedded.api.store import Store


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.lstrip(".").split(".")) if path else ()


def _column(value: Mapping[str, Any]) -> Column:
    return Column(
        value["name"],
        value.get("type", "string"),
        value.get("jsonPath", ""),
        value.get("format", ""),
        value.get("description", ""),
        value.get("priority", 0),
    )


def kinds_of(crd: Object) -> Iterator[Kind]:
    """A kind for each served version."""
    spec = crd["spec"]
    names, group = spec["names"], spec["group"]
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        subresources = version.get("subresources") or {}
        scale = subresources.get("scale")
        listed = []
        if "status" in subresources:
            listed.append(Subresource("status", names["kind"]))
        if scale is not None:
            listed.append(Subresource("scale", "Scale", group="autoscaling", version="v1"))
        warning = version.get("deprecationWarning") or f"{group}/{version['name']} {names['kind']} is deprecated"
        yield Kind(
            resource=ApiResource(group, version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced"),
            singular=names.get("singular") or names["kind"].lower(),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            custom=True,
            status="status" in subresources,
            generation=True,
            scale=scale
            and ScalePaths(
                _steps(scale["specReplicasPath"]),
                _steps(scale["statusReplicasPath"]),
                _steps(scale.get("labelSelectorPath", "")),
            ),
            subresources=tuple(listed),
            columns=tuple(_column(column) for column in version.get("additionalPrinterColumns") or ()),
            selectable=tuple(one["jsonPath"].lstrip(".") for one in version.get("selectableFields") or ()),
            schema=(version.get("schema") or {}).get("openAPIV3Schema"),
            list_kind=names.get("listKind") or f"{names['kind']}List",
            deprecated=warning if version.get("deprecated") else "",
        )


def note_stored_versions(crd: Object) -> None:
    """Remember, in the status, each version that objects were ever stored in."""
    known = (crd.get("status") or {}).get("storedVersions") or []
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    crd["status"] = {**(crd.get("status") or {}), "storedVersions": [*known, *(set(stored) - set(known))]}


def established(crd: Object, now: str) -> Object:
    """The status a definition gets when its names are free and it is served."""
    lines = (
        ("NamesAccepted", "NoConflicts", "no conflicts found"),
        ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    )
    conditions = [
        {"type": type_, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
        for type_, reason, message in lines
    ]
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    return {"conditions": conditions, "acceptedNames": dict(crd["spec"]["names"]), "storedVersions": stored}


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
            self._store.change_log.end((group, plural))
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


def install(store: Store, definitions: Iterable[Object]) -> None:
    """Serve these definitions (metadata and spec; shared parts of their schemas are treated as frozen) and whatever is
    defined later."""
    Definitions(store)
    kind = store.kinds.of(CRDS)
    for crd in definitions:
        value: Object = {
            "kind": CRDS.kind,
            "apiVersion": CRDS.api_version,
            "metadata": dict(crd["metadata"]),
            "spec": {**crd["spec"], "names": dict(crd["spec"]["names"])},
        }
        defaulting.set_defaults(kind, value)
        store.stamp(kind, value)
        value["status"] = established(value, store.now())
        store.insert(kind, value)
