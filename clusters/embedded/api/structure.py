"""Structural schemas at work on an object: unknown members pruned, nulls dropped, defaults set."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api.builtin_schema import object_meta
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.values import copied

PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
EMBEDDED: Final = "x-kubernetes-embedded-resource"
ROOT_MEMBERS: Final = ("apiVersion", "kind", "metadata")


def child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


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
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    keep = bool(schema.get(PRESERVE))
    is_object = root or schema.get(EMBEDDED)
    for name in sorted(value):
        here = child(path, name)
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
        properties = schema.get("properties") or {}
        additional = schema.get("additionalProperties")
        for name in list(value):
            inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
            if inner is None:
                continue
            if value[name] is None and not inner.get("nullable") and name in properties:
                del value[name]
            else:
                drop_nulls(value[name], inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            drop_nulls(item, schema["items"])


def set_defaults(value: Any, schema: Schema) -> None:
    """Fill in defaults, also inside list items and maps."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
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
