"""Structural schemas: loading them, and what they do to an object: unknown members pruned, nulls dropped, defaults set.

Files of schemas are compact: a part that occurs often stands once and is referred to by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from clusters.embedded.api.json_values import copied

Schema = Mapping[str, Any]

EMPTY: Final[Schema] = {}
PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING: Final = "x-kubernetes-int-or-string"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
ROOT_MEMBERS: Final = ("apiVersion", "kind", "metadata")


class Resolver:
    """Replaces `{"$ref": name, ...}` by the named part, built once and shared; other members beside it win."""

    def __init__(self, definitions: Mapping[str, Any], *, typed: bool = False) -> None:
        """`typed` definitions are whole schemas, each marked with its name as `x-type`."""
        self._typed = typed
        self.definitions = definitions
        self._built: dict[str, dict[str, Any]] = {}

    def named(self, name: str) -> dict[str, Any]:
        if name not in self._built:
            self._built[name] = {}
            self._built[name].update(self.resolve(self.definitions[name]))
            if self._typed:
                self._built[name].setdefault("x-type", name)
        return self._built[name]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                found = self.named(value["$ref"])
                more = {key: self.resolve(item) for key, item in value.items() if key != "$ref"}
                return {**found, **more} if more else found
            return {key: self.resolve(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        return value


def load(name: str) -> Any:
    """A JSON file beside this module."""
    return json.loads(files("clusters.embedded.api").joinpath(name).read_text("utf-8"))


@cache
def built_in_types() -> Resolver:
    """Types of the built-in kinds by their Go names."""
    return Resolver(load("builtin_schema.json")["types"], typed=True)


@cache
def built_in_roots() -> Mapping[str, str]:
    """`group/version/Kind` → type name."""
    roots: Mapping[str, str] = load("builtin_schema.json")["roots"]
    return roots


def object_meta() -> Schema:
    """The schema of `metadata`, the same for every kind."""
    return built_in_types().named("ObjectMeta")


def child_schema(schema: Schema, name: str) -> Schema:
    """The schema of a member; nothing known gives the empty one."""
    found = (schema.get("properties") or EMPTY).get(name)
    if found is None:
        additional = schema.get("additionalProperties")
        found = additional if isinstance(additional, dict) else EMPTY
    return found


def prune(value: Any, schema: Schema, path: str = "", *, root: bool = False) -> list[str]:
    """Remove members the schema does not know, in place. Returns their paths, in the order of their names."""
    unknown: list[str] = []
    if isinstance(value, list):
        items = schema.get("items")
        if items is not None:
            for index, item in enumerate(value):
                unknown += prune(item, items, f"{path}[{index}]")
        return unknown
    if not isinstance(value, dict):
        return unknown
    properties = schema.get("properties") or EMPTY
    additional = schema.get("additionalProperties")
    keep = bool(schema.get(PRESERVE))
    is_object = root or schema.get(EMBEDDED)
    for name in sorted(value):
        here = f"{path}.{name}" if path else name
        if is_object and name in ROOT_MEMBERS:
            if name == "metadata":
                unknown += prune(value[name], object_meta(), here)
        elif name in properties:
            unknown += prune(value[name], properties[name], here)
        elif isinstance(additional, dict):
            unknown += prune(value[name], additional, here)
        elif additional or keep:
            continue
        elif properties or schema.get("type") == "object":
            del value[name]
            unknown.append(here)
    return unknown


def drop_nulls(value: Any, schema: Schema) -> None:
    """Remove nulls where the schema has no use for them; a null where a default stands gives way to the default."""
    if isinstance(value, dict):
        properties = schema.get("properties") or EMPTY
        for name in list(value):
            inner = child_schema(schema, name)
            if value[name] is None and name in properties and not inner.get("nullable"):
                del value[name]
            elif inner:
                drop_nulls(value[name], inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            drop_nulls(item, schema["items"])


def set_defaults(value: Any, schema: Schema) -> None:
    """Fill in defaults, also inside list items and maps."""
    if isinstance(value, dict):
        properties = schema.get("properties") or EMPTY
        for name, inner in properties.items():
            if "default" in inner and (name not in value or (value[name] is None and not inner.get("nullable"))):
                value[name] = copied(inner["default"])
            if name in value:
                set_defaults(value[name], inner)
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            for name, item in value.items():
                if name not in properties:
                    set_defaults(item, additional)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            set_defaults(item, schema["items"])
