"""Schemas of Kubernetes' own types for OpenAPI documents, each under its full name and referring to the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from clusters.embedded.api.go_fields import VARINTS, Member, is_known, is_list_alias, members
from clusters.embedded.api.openapi_paths import META, reference
from clusters.embedded.api.schema_data import Schema, built_in_types
from clusters.embedded.api.status import Object
from clusters.embedded.api.strategic import merge_key

MACHINERY: Final = "io.k8s.apimachinery.pkg"
EXTENSIONS: Final = ("x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type")
OPAQUE: Final[dict[str, Object]] = {
    "meta.Time": {"type": "string", "format": "date-time"},
    "meta.MicroTime": {"type": "string", "format": "date-time"},
    "meta.FieldsV1": {"type": "object"},
    "meta.Patch": {"type": "object"},
    "runtime.RawExtension": {"type": "object"},
    "api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
    "util.intstr.IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}
"""Types that write themselves."""

STANDING_ALONE: Final = (
    "APIGroup",
    "APIGroupList",
    "APIResourceList",
    "APIVersions",
    "DeleteOptions",
    "Status",
    "WatchEvent",
)
"""Types of meta/v1 that are answered or sent as they are, and so have a kind."""

WITHOUT_DEFAULT: Final = ("meta.Time", "meta.MicroTime", "runtime.RawExtension", "meta.FieldsV1")
SCALARS: Final = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
}
DEFAULTS: Final[dict[str, Any]] = {"string": "", "bool": False}
RETAIN_KEYS: Final = {"strategy": "retainKeys", "volumes": "merge,retainKeys"}


def full_name(type_: str) -> str:
    """`core.v1.PodSpec` → `io.k8s.api.core.v1.PodSpec`."""
    if type_.startswith("meta."):
        return f"{META}.{type_[5:]}"
    if type_.startswith(("api.", "util.", "runtime.")):
        return f"{MACHINERY}.{type_}"
    return f"io.k8s.api.{type_}"


def schemas(types: Iterable[str]) -> Iterator[tuple[str, Object]]:
    """(full name, schema) of types and of all they refer to."""
    waiting, seen = list(types), set(types)
    while waiting:
        type_ = waiting.pop()
        name = type_.removeprefix("meta.")
        marks = [("", "v1", name)] if name in STANDING_ALONE else []
        yield full_name(type_), marked(schema(type_), marks) if marks else schema(type_)
        for inner in _referred(type_):
            if inner not in seen:
                seen.add(inner)
                waiting.append(inner)


def marked(body: Object, marks: list[tuple[str, str, str]]) -> Object:
    """A type that stands alone: it has a version and a kind. `marks` are (group, version, kind)."""
    listed = [{"group": group, "kind": kind, "version": version} for group, version, kind in marks]
    made = {**body, "x-kubernetes-group-version-kind": listed}
    if marks[0][2] != "WatchEvent":  # the one that is told apart by what it carries
        made["properties"] = {**body["properties"], "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    return made


def _referred(type_: str) -> Iterator[str]:
    if type_ in OPAQUE or not is_known(type_):
        return
    for member in members(type_):
        if member.inlined:
            yield from _referred(member.type)
        elif not member.is_scalar and not is_list_alias(member.type):
            yield member.type


def schema(type_: str) -> Object:
    """The schema of one type."""
    if type_ in OPAQUE:
        return dict(OPAQUE[type_])
    if not is_known(type_):
        return {"type": "object"}
    held = _held(type_)
    properties: Object = {}
    required: list[str] = []
    for member, extensions in _all_members(type_, held):
        properties[member.name] = _property(member, extensions)
        if type_.startswith("meta.") and member.repeated:
            properties[member.name].setdefault("x-kubernetes-list-type", "atomic")
        if member.always and member.name != "metadata":
            required.append(member.name)
    made: Object = {"type": "object", "properties": dict(sorted(properties.items()))}
    if required:
        made["required"] = required
    if "x-kubernetes-map-type" in held:
        made["x-kubernetes-map-type"] = held["x-kubernetes-map-type"]
    return made


def _held(type_: str) -> Schema:
    """What this server's own schemas say about a type beyond its members."""
    name = type_.rpartition(".")[2]
    return built_in_types().named(name) if built_in_types().has(name) else {}


def _all_members(type_: str, held: Schema) -> Iterator[tuple[Member, Schema]]:
    for member in members(type_):
        if member.inlined:
            yield from _all_members(member.type, held)
        else:
            yield member, (held.get("properties") or {}).get(member.name) or {}


def _property(member: Member, extensions: Schema) -> Object:
    if member.map:
        return {"type": "object", "additionalProperties": _item(member.type)}
    if member.repeated:
        made: Object = {"type": "array", "items": _item(member.type)}
        made |= {name: extensions[name] for name in EXTENSIONS if name in extensions}
        return made | _patch_marks(member.name, extensions)
    if member.is_scalar:
        made = _item(member.type)
        if member.always and not member.pointer:
            made["default"] = DEFAULTS.get(member.type, 0)
        return made
    if is_list_alias(member.type):
        return {"type": "array", "items": {"type": "string"}}
    made = {"allOf": [reference(full_name(member.type))]}
    if not member.pointer and member.type not in WITHOUT_DEFAULT:
        made["default"] = {}
    if member.name in RETAIN_KEYS:
        made["x-kubernetes-patch-strategy"] = RETAIN_KEYS[member.name]
    return made


def _item(type_: str) -> Object:
    if type_ in VARINTS and type_ != "bool":
        return {"type": "integer", "format": type_.removeprefix("u")}
    if type_ in SCALARS:
        return dict(SCALARS[type_])
    if is_list_alias(type_):
        return {"type": "array", "items": {"type": "string"}}
    return reference(full_name(type_))


def _patch_marks(name: str, extensions: Schema) -> Object:
    """How strategic merge patches treat a list."""
    key = merge_key(name, extensions)
    if key:
        return {
            "x-kubernetes-patch-merge-key": key,
            "x-kubernetes-patch-strategy": RETAIN_KEYS.get(name, "merge"),
        }
    if extensions.get("x-kubernetes-list-type") == "set":
        return {"x-kubernetes-patch-strategy": "merge"}
    return {}
