"""CustomResourceDefinitions: the kinds they serve while they are there, and their end, before which their objects go.

The API server itself ends a deleted definition: it marks it with a finalizer, deletes the objects, waits until those
with finalizers of their own are gone too, and takes its finalizer away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from clusters.embedded.api import defaulting
from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.change_log import Entry
from clusters.embedded.api.kinds import CRD_STORAGE, CRDS, ApiResource, Column, Kind, ScalePaths, Storage, Subresource
from clusters.embedded.api.lifecycle import CLEANUP, without_finalizer
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
            self._store.kinds.remove(group, plural)
            for kind in kinds_of(entry.object):
                self._store.kinds.add(kind)

    def _soon(self, name: str) -> None:
        """End a definition in a step of its own, so that the deletion is answered and seen first."""
        asyncio.get_running_loop().call_soon(self._end, name)

    def _end(self, name: str) -> None:
        store, kind = self._store, self._store.kinds.of(CRDS)
        held = store.peek(kind, ("", name))
        if held is None or CLEANUP not in (held["metadata"].get("finalizers") or ()):
            return
        storage = (held["spec"]["group"], held["spec"]["names"]["plural"])
        instances = store.kinds.stored_at(storage)
        for value in list(store.objects(storage).values()) if instances is not None else ():
            if instances is not None and "deletionTimestamp" not in value["metadata"]:
                store.begin_deletion(instances, value, "Background", 0)
        if not store.objects(storage):
            store.replace(kind, held, without_finalizer(held, CLEANUP))


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
