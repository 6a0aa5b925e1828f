"""Which kinds exist: built-in ones from `kinds.yaml`, the others from CustomResourceDefinitions in the store.

A kind is data; nothing in the machinery asks for a kind by name unless Kubernetes itself treats it apart.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from conformance.kube.resources import Resource

Storage = tuple[str, str]
"""Where objects live whatever the version they are asked in: (group, plural)."""

BUILT_IN_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS: Final = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")

SHARED_STORAGE: Final[Mapping[Storage, Storage]] = {("events.k8s.io", "events"): ("", "events")}


@dataclass(frozen=True, slots=True)
class Column:
    """One printer column: `path` is a JSONPath for custom kinds, the name of a cell function for built-in ones."""

    name: str
    type: str = "string"
    path: str = ""
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where the scale subresource finds its numbers, as paths of member names."""

    spec_replicas: tuple[str, ...]
    status_replicas: tuple[str, ...]
    selector: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subresource:
    """A line of discovery below an object."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One version of one kind."""

    resource: Resource
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = BUILT_IN_VERBS
    custom: bool = False
    status: bool = False
    generation: bool = False
    scale: ScalePaths | None = None
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()
    selectable: tuple[str, ...] = ()
    """Field selectors beyond metadata.name and metadata.namespace, as dotted paths."""
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    list_kind: str = ""
    storage_version: str = ""
    stored: bool = True
    """False for kinds that are only answered, such as reviews."""
    deprecated: str | None = None
    """The Warning of a deprecated version."""

    @property
    def storage(self) -> Storage:
        place = (self.resource.group, self.resource.plural)
        return SHARED_STORAGE.get(place, place)

    @property
    def list_name(self) -> str:
        return self.list_kind or f"{self.resource.kind}List"

    @property
    def storage_hash(self) -> str:
        """What discovery shows so that clients notice a change of the stored version."""
        version = self.storage_version or self.resource.version
        group = self.storage[0]
        text = f"{group}/{version}/{self.resource.kind}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


class Kinds:
    """All kinds of one API server, in the order of discovery."""

    def __init__(self, kinds: tuple[Kind, ...] = ()) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self.generation = 0
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind, or serve it differently from now on."""
        self._kinds[kind.resource.group, kind.resource.version, kind.resource.plural] = kind
        self.generation += 1

    def remove(self, group: str, plural: str, *, custom_only: bool = True) -> None:
        """Stop serving every version of a resource."""
        for key, kind in list(self._kinds.items()):
            if key[0] == group and key[2] == plural and (kind.custom or not custom_only):
                del self._kinds[key]
        self.generation += 1

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def of(self, resource: Resource) -> Kind:
        """The kind of a resource; KeyError when this server does not serve it."""
        return self._kinds[resource.group, resource.version, resource.plural]

    def named(self, api_version: str, kind: str) -> Kind | None:
        """By apiVersion and kind, as manifests and owner references name it."""
        for value in self._kinds.values():
            if value.resource.kind == kind and value.resource.api_version == api_version:
                return value
        return None

    def stored_at(self, storage: Storage) -> Kind | None:
        """A kind that lives at this place, in its first listed version."""
        return next((kind for kind in self._kinds.values() if kind.storage == storage and kind.stored), None)

    def in_version(self, group: str, version: str) -> list[Kind]:
        return [kind for key, kind in self._kinds.items() if key[:2] == (group, version)]

    def versions(self) -> dict[str, list[str]]:
        """Versions of each group, both in order of appearance."""
        groups: dict[str, list[str]] = {}
        for group, version, _ in self._kinds:
            listed = groups.setdefault(group, [])
            if version not in listed:
                listed.append(version)
        return groups

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._kinds.values()))


def _subresources(value: Mapping[str, Any], kind: str) -> tuple[Subresource, ...]:
    listed = []
    for name, line in (value.get("subresources") or {}).items():
        known = line or {}
        verbs = tuple(known.get("verbs") or ("get", "patch", "update"))
        listed.append(
            Subresource(name, known.get("kind", kind), verbs, known.get("group", ""), known.get("version", ""))
        )
    return tuple(listed)


def _kind(group: str, version: str, plural: str, value: Mapping[str, Any]) -> Kind:
    name = value["kind"]
    subresources = _subresources(value, name)
    names = {sub.name for sub in subresources}
    scale = None
    if "scale" in names:
        scale = ScalePaths(("spec", "replicas"), ("status", "replicas"), ("spec", "selector"))
    return Kind(
        resource=Resource(group, version, plural, name, namespaced=value.get("namespaced", True)),
        singular=value.get("singular", name.lower()),
        short_names=tuple(value.get("short", ())),
        categories=tuple(value.get("categories", ())),
        verbs=tuple(value.get("verbs", BUILT_IN_VERBS)),
        status="status" in names,
        generation=value.get("generation", False),
        scale=scale,
        subresources=subresources,
        columns=tuple(Column(**column) for column in value.get("columns", ())),
        selectable=tuple(value.get("selectable", ())),
        list_kind=value.get("list", ""),
        storage_version=value.get("storage", ""),
        stored=value.get("stored", True),
        deprecated=value.get("deprecated"),
    )


@cache
def _built_in() -> tuple[Kind, ...]:
    text = files("clusters.embedded.api").joinpath("kinds.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kinds = []
    for place, resources in yaml.load(text, Loader=loader).items():  # noqa: S506 - a safe loader
        group, _, version = place.rpartition("/")
        kinds += [_kind(group, version, plural, value) for plural, value in resources.items()]
    return tuple(kinds)


def built_in_kinds() -> Kinds:
    """A fresh registry of the built-in kinds."""
    from clusters.embedded.api.builtin_schema import schema_of

    return Kinds(tuple(replace(kind, schema=schema_of(kind.resource)) for kind in _built_in()))
