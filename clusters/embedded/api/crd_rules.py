"""What a CustomResourceDefinition's schema must be: structural, which is to say typed everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clusters.embedded.api.status import Cause, Object

ROOT = "spec.validation.openAPIV3Schema"
FREE = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")


def causes(value: Object, _old: Object | None) -> Iterator[Cause]:
    """Faults of a definition."""
    spec = value.get("spec") or {}
    names, group = spec.get("names") or {}, spec.get("group", "")
    wanted = f"{names.get('plural', '')}.{group}"
    given = value["metadata"].get("name", "")
    if given != wanted:
        text = f'Invalid value: "{given}": must be spec.names.plural+"."+spec.group'
        yield Cause("FieldValueInvalid", text, "metadata.name")
    versions = spec.get("versions") or []
    if sum(1 for version in versions if version.get("storage")) != 1:
        text = "Invalid value: must have exactly one version marked as storage version"
        yield Cause("FieldValueInvalid", text, "spec.versions")
    for version in versions:
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            yield Cause(
                "FieldValueRequired", "Required value: schemas are required", "spec.versions[0].schema.openAPIV3Schema"
            )
            continue
        yield from _untyped(schema, ROOT)
        if not schema.get("type"):
            yield Cause("FieldValueRequired", "Required value: must not be empty at the root", f"{ROOT}.type")


def _untyped(schema: Any, path: str) -> Iterator[Cause]:
    for name, inner in sorted((schema.get("properties") or {}).items()):
        here = f"{path}.properties[{name}]"
        if not inner.get("type") and not any(inner.get(mark) for mark in FREE):
            text = "Required value: must not be empty for specified object fields"
            yield Cause("FieldValueRequired", text, f"{here}.type")
        yield from _untyped(inner, here)
    for member, words in (("items", "array items"), ("additionalProperties", "map values")):
        inner = schema.get(member)
        if isinstance(inner, dict):
            if not inner.get("type") and not any(inner.get(mark) for mark in FREE):
                text = f"Required value: must not be empty for specified {words}"
                yield Cause("FieldValueRequired", text, f"{path}.{member}.type")
            yield from _untyped(inner, f"{path}.{member}")
