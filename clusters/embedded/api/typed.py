"""What Go's typed decoding does to built-in objects and to everyone's metadata: type errors, and tidying."""

from __future__ import annotations

import re
from typing import Any, Final

from clusters.embedded.api.builtin_schema import object_meta
from clusters.embedded.api.go_words import json_kind
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import Object

QUANTITY: Final = re.compile(r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$")
QUANTITY_FAULT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def metadata_fault(metadata: Any) -> str | None:
    """The first type error in `metadata`, in Go's words."""
    if metadata is None:
        return None
    return fault(metadata, object_meta(), "ObjectMeta")


def fault(value: Any, schema: Schema, struct: str, member: str = "") -> str | None:
    """The first value that a Go struct cannot hold."""
    if value is None or schema.get("x-kubernetes-preserve-unknown-fields"):
        return None
    if schema.get("x-kubernetes-int-or-string"):
        return _loose_fault(value, schema, struct, member)
    type_ = schema.get("type")
    if type_ == "object":
        return _object_fault(value, schema, struct, member)
    if type_ == "array":
        if not isinstance(value, list):
            return _mismatch(value, struct, member, "[]" + _go_type(schema["items"]))
        inner = schema["items"]
        for item in value:
            found = fault(item, inner, inner.get("x-type", struct), "" if "x-type" in inner else member)
            if found:
                return found
        return None
    if schema.get("format") == "byte" and isinstance(value, str):
        return _base64_fault(value)
    good = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    if type_ is None or good.get(type_, True):
        return None
    return _mismatch(value, struct, member, _go_type(schema))


def _base64_fault(text: str) -> str | None:
    """Where base64 ends to be base64, as Go counts."""
    stripped = text.replace("\n", "").replace("\r", "")
    body = stripped.rstrip("=")
    wrong = re.search(r"[^A-Za-z0-9+/]", body)
    if wrong is not None:
        return f"illegal base64 data at input byte {wrong.start()}"
    if len(stripped) % 4 or len(stripped) - len(body) > 2:
        return f"illegal base64 data at input byte {len(stripped) // 4 * 4}"
    return None


def _object_fault(value: Any, schema: Schema, struct: str, member: str) -> str | None:
    if not isinstance(value, dict):
        return _mismatch(value, struct, member, _go_type(schema))
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    here = schema.get("x-type", struct)
    for name, item in value.items():
        inner = properties.get(name)
        found = None
        if inner is not None:
            found = fault(item, inner, here, name)
        elif isinstance(additional, dict):
            found = fault(item, additional, struct, member)
        if found:
            return found
    return None


def _loose_fault(value: Any, schema: Schema, struct: str, member: str) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        word = json_kind(value)
        name = "resource.Quantity" if schema.get("format") == "quantity" else "intstr.IntOrString"
        return f"json: cannot unmarshal {word} into Go struct field {struct}.{member} of type {name}"
    if schema.get("format") == "quantity" and not QUANTITY.match(str(value)):
        return QUANTITY_FAULT
    return None


def _mismatch(value: Any, struct: str, member: str, wanted: str) -> str:
    found = json_kind(value)
    if found == "number" and isinstance(value, float):
        found = f"number {value}"
    return f"json: cannot unmarshal {found} into Go struct field {struct}.{member} of type {wanted}"


def _go_type(schema: Schema) -> str:
    name = schema.get("x-type")
    if name:
        return "v1." + str(name)
    type_ = schema.get("type")
    if type_ == "array":
        return "[]" + _go_type(schema["items"])
    if type_ == "object":
        inner = schema.get("additionalProperties")
        return "map[string]" + (_go_type(inner) if isinstance(inner, dict) else "string")
    if type_ == "integer":
        return str(schema.get("format", "int"))
    return {"boolean": "bool", "number": "float64"}.get(str(type_), "string")


def normalise(value: Any, schema: Schema) -> None:
    """Quantities become canonical texts, as Go's types write them back."""
    if isinstance(value, dict):
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        for name, item in value.items():
            inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
            if inner is None:
                continue
            if inner.get("format") == "quantity" and isinstance(item, int | float | str):
                value[name] = canonical_quantity(item)
            else:
                normalise(item, inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            normalise(item, schema["items"])


def canonical_quantity(value: float | str) -> str:
    """The text form of a quantity: 1 → "1", "0.5" → "500m", "1024Mi" → "1Gi"."""
    from clusters.embedded.api.quantity import canonical

    return canonical(value)


def normalise_metadata(metadata: Object) -> None:
    """Empty maps and lists are not written back; creationTimestamp null neither."""
    for member in ("labels", "annotations", "finalizers", "ownerReferences"):
        if member in metadata and not metadata[member]:
            del metadata[member]
    for member in ("creationTimestamp", "deletionTimestamp"):
        if metadata.get(member, "") is None:
            del metadata[member]
