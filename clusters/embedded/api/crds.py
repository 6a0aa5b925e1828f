"""CustomResourceDefinitions: the kinds they serve, what the server fills into them, and those of KServe and Knative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from clusters.embedded.api.kinds import CUSTOM_VERBS, Column, Kind, ScalePaths, Subresource
from clusters.embedded.api.ledger import Entry
from clusters.embedded.api.schema_data import Resolver, load
from clusters.embedded.api.status import Object
from clusters.embedded.api.store import Store
from conformance.api.resources import Resource

CRD_STORAGE: Final = ("apiextensions.k8s.io", "customresourcedefinitions")
CRDS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"


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
    stored = next((version["name"] for version in spec["versions"] if version.get("storage")), "")
    for version in spec["versions"]:
        if not version.get("served"):
            continue
        subresources = version.get("subresources") or {}
        scale = subresources.get("scale")
        listed = []
        if "status" in subresources:
            listed.append(Subresource("status", names["kind"], ("get", "patch", "update")))
        if scale is not None:
            listed.append(Subresource("scale", "Scale", ("get", "patch", "update"), "autoscaling", "v1"))
        warning = version.get("deprecationWarning") or f"{group}/{version['name']} {names['kind']} is deprecated"
        yield Kind(
            resource=Resource(group, version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced"),
            singular=names.get("singular") or names["kind"].lower(),
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            verbs=CUSTOM_VERBS,
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
            storage_version=stored,
            deprecated=warning if version.get("deprecated") else None,
        )


def complete(crd: Object) -> None:
    """What the server fills in on a write."""
    spec = crd["spec"]
    names = spec["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def established(crd: Object, now: str) -> Object:
    """The status a definition gets when its names are free and it is served."""
    conditions = [
        {
            "type": "NamesAccepted",
            "status": "True",
            "lastTransitionTime": now,
            "reason": "NoConflicts",
            "message": "no conflicts found",
        },
        {
            "type": "Established",
            "status": "True",
            "lastTransitionTime": now,
            "reason": "InitialNamesAccepted",
            "message": "the initial names have been accepted",
        },
    ]
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    accepted = dict(crd["spec"]["names"])
    return {"conditions": conditions, "acceptedNames": accepted, "storedVersions": stored}


class Definitions:
    """Keeps the served kinds in step with the definitions in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.listen(self._changed)

    def _delete_instances(self, group: str, plural: str) -> None:
        """A definition takes its objects along."""
        kind = self._store.kinds.stored_at((group, plural))
        for value in list(self._store.objects((group, plural)).values()):
            if kind is not None:
                self._store.begin_deletion(kind, value, "Background", 0)

    def _changed(self, entry: Entry) -> None:
        if entry.storage != CRD_STORAGE:
            return
        spec = entry.object["spec"]
        group, plural = spec["group"], spec["names"]["plural"]
        deleting = "deletionTimestamp" in entry.object["metadata"]
        same_spec = entry.previous is not None and entry.previous["spec"] == spec
        if entry.type != "DELETED" and same_spec and not deleting:
            return
        if entry.type == "DELETED":
            self._delete_instances(group, plural)
            self._store.kinds.remove(group, plural)
            return
        if entry.type == "MODIFIED" and not deleting:
            self._store.kinds.remove(group, plural)
        for kind in kinds_of(entry.object):
            self._store.kinds.add(kind)


@cache
def shipped() -> tuple[Object, ...]:
    """The definitions of KServe 0.20 and Knative Serving 1.23, as objects to create. Their schemas share parts: treat
    them as frozen."""
    data = load("custom_kinds.json")
    resolver = Resolver(data["definitions"])
    made = []
    for resource in data["resources"]:
        versions = []
        for version in resource["versions"]:
            value = {key: version[key] for key in ("name", "served", "storage") if key in version}
            value["schema"] = {"openAPIV3Schema": resolver.resolve(version["schema"])}
            if version.get("subresources"):
                value["subresources"] = version["subresources"]
            if version.get("columns"):
                value["additionalPrinterColumns"] = version["columns"]
            versions.append(value)
        names, group = resource["names"], resource["group"]
        metadata: Object = {"name": f"{names['plural']}.{group}"}
        for member in ("labels", "annotations"):
            if resource.get(member):
                metadata[member] = dict(resource[member])
        spec = {"group": group, "names": names, "scope": resource["scope"], "versions": versions}
        made.append({"metadata": metadata, "spec": spec})
    return tuple(made)


def install(store: Store) -> Definitions:
    """Serve the shipped definitions and whatever is defined later."""
    definitions = Definitions(store)
    kind = store.kinds.of(CRDS)
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
