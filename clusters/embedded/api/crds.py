"""CustomResourceDefinitions: the kinds they serve, what the server fills into them, and those of KServe and Knative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from clusters.embedded.api.kinds import CUSTOM_VERBS, Column, Kind, ScalePaths, Subresource
from clusters.embedded.api.schema_data import Resolver, load
from clusters.embedded.api.status import Object
from conformance.kube.resources import Resource

CRD_STORAGE: Final = ("apiextensions.k8s.io", "customresourcedefinitions")
CRDS: Final = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)


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
    """What the server fills in on a write; a definition without names is left for validation to refuse."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    if not names.get("kind"):
        return
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    spec.setdefault("conversion", {"strategy": "None"})


def note_storage(crd: Object) -> None:
    """Remember, in the status, each version that objects were ever stored in."""
    known = (crd.get("status") or {}).get("storedVersions") or []
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    crd["status"] = {**(crd.get("status") or {}), "storedVersions": [*known, *(set(stored) - set(known))]}


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
