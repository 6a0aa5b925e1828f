"""Which kinds are served: built-in ones from `kinds.yaml`, the others from CustomResourceDefinitions in the store.

A kind is data; nothing in the machinery asks for a kind by name unless Kubernetes itself treats it apart.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Protocol

import yaml

from clusters.embedded.api.structural_schema import EMPTY, Schema, built_in_roots, built_in_types, object_meta

Storage = tuple[str, str]
"""Where objects live whatever the version they are asked in: (group, plural)."""

VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
SUBRESOURCE_VERBS: Final = ("get", "patch", "update")
AGE: Final = ".metadata.creationTimestamp"


class Resource(Protocol):
    """How callers name a kind: any object with these members will do. The core group is empty."""

    # fmt: off
    @property
    def group(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def plural(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def namespaced(self) -> bool: ...
    @property
    def api_version(self) -> str: ...
    # fmt: on


@dataclass(frozen=True, slots=True)
class ApiResource:
    """A kind's place in the API: this library's own `Resource`."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


NAMESPACES: Final = ApiResource("", "v1", "namespaces", "Namespace", namespaced=False)
CRDS: Final = ApiResource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
CRD_STORAGE: Final[Storage] = (CRDS.group, CRDS.plural)
POD_STORAGE: Final[Storage] = ("", "pods")
NAMESPACE_STORAGE: Final[Storage] = ("", "namespaces")


@dataclass(frozen=True, slots=True)
class Column:
    """One printer column; `path` is a JSONPath, empty where the kind computes its cells."""

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


SCALE: Final = ScalePaths(("spec", "replicas"), ("status", "replicas"), ("spec", "selector"))


@dataclass(frozen=True, slots=True)
class Subresource:
    """A line of discovery below an object."""

    name: str
    kind: str
    verbs: tuple[str, ...] = SUBRESOURCE_VERBS
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One version of one kind."""

    resource: Resource
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    custom: bool = False
    status: bool = False
    generation: bool = False
    scale: ScalePaths | None = None
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()
    selectable: tuple[str, ...] = ()
    """Field selectors beyond metadata.name and metadata.namespace, as dotted paths."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    new_status: Mapping[str, Any] = field(default_factory=dict)
    pod_template: tuple[str, ...] | None = None
    """Path to the pod template, empty for pods themselves; None for kinds without one."""
    schema: Schema | None = field(default=None, repr=False)
    """None for the few kinds whose bodies are taken as they come."""
    list_kind: str = ""
    stored: bool = True
    """False for kinds that are only answered, such as reviews."""
    deprecated: str = ""
    """The Warning of a deprecated version."""

    @property
    def storage(self) -> Storage:
        return self.resource.group, self.resource.plural

    @property
    def full_schema(self) -> Schema:
        """The schema with the metadata every object has; it also tells how fields are owned."""
        base = self.schema or EMPTY
        return {**base, "properties": {**(base.get("properties") or EMPTY), "metadata": object_meta()}}

    @property
    def list_name(self) -> str:
        return self.list_kind or f"{self.resource.kind}List"

    @property
    def storage_hash(self) -> str:
        """What discovery shows so that clients notice a change of the stored version."""
        text = f"{self.resource.api_version}/{self.resource.kind}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


class Kinds:
    """All kinds of one API server, in the order of discovery."""

    def __init__(self, kinds: tuple[Kind, ...] = ()) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self.generation = 0
        """Rises with each change."""
        self.documents: dict[str, tuple[int, bytes, str]] = {}
        """Documents made from the kinds, kept here by name: generation, body, hash."""
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve a kind, or serve it differently from now on."""
        self._kinds[kind.resource.group, kind.resource.version, kind.resource.plural] = kind
        self.generation += 1

    def remove(self, group: str, plural: str) -> None:
        """Stop serving every version of a custom resource."""
        for key, kind in list(self._kinds.items()):
            if kind.custom and kind.storage == (group, plural):
                del self._kinds[key]
        self.generation += 1

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._kinds.get((group, version, plural))

    def of(self, resource: Resource) -> Kind:
        """The kind of a resource; KeyError when this server does not serve it."""
        return self._kinds[resource.group, resource.version, resource.plural]

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


def _kind(group: str, version: str, plural: str, value: Mapping[str, Any]) -> Kind:
    """A kind from its line in the file: members are those of `Kind`, but for what is told apart here."""
    members: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    name, below, columns = members.pop("kind"), members.pop("subresources", {}), members.pop("columns", {})
    root = built_in_roots().get(f"{group}/{version}/{name}")
    return Kind(
        ApiResource(group, version, plural, name, members.pop("namespaced", True)),
        name.lower(),
        status="status" in below,
        scale=SCALE if "scale" in below else None,
        subresources=tuple(Subresource(sub, **{"kind": name, **(line or {})}) for sub, line in below.items()),
        columns=tuple(Column(one, "date" if path == AGE else "string", path) for one, path in columns.items()),
        schema=None if root is None else built_in_types().named(root),
        **members,
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
    return Kinds(_built_in())
