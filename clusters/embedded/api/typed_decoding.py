"""What Go's typed decoding does to built-in objects and to everyone's metadata: type errors, and tidying."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from clusters.embedded.api import quantities
from clusters.embedded.api.status import Object
from clusters.embedded.api.structural_schema import EMPTY, INT_OR_STRING, PRESERVE, Schema, child_schema, object_meta


def metadata_fault(metadata: Any) -> str | None:
    """The first type error in `metadata`, in Go's words."""
    return fault(metadata, object_meta(), "ObjectMeta")


def fault(value: Any, schema: Schema, struct: str, member: str = "") -> str | None:
    """The first value that a Go struct cannot hold; null fits everywhere."""
    if value is None or schema.get(PRESERVE):
        return None
    if schema.get(INT_OR_STRING):
        return _loose_fault(value, schema, struct, member)
    type_ = schema.get("type")
    if type_ == "object":
        return _object_fault(value, schema, struct, member)
    if type_ == "array":
        return _array_fault(value, schema, struct, member)
    if schema.get("format") == "byte" and isinstance(value, str):
        return _base64_fault(value)
    fits = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
    }
    return None if fits.get(str(type_), True) else _mismatch(value, struct, member, _go_type(schema))


def _base64_fault(text: str) -> str | None:
    try:
        base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except binascii.Error:
        return "illegal base64 data"
    return None


def _array_fault(value: Any, schema: Schema, struct: str, member: str) -> str | None:
    if not isinstance(value, list):
        return _mismatch(value, struct, member, _go_type(schema))
    inner = schema.get("items") or EMPTY
    named = inner.get("x-type")
    found = (fault(item, inner, named or struct, "" if named else member) for item in value)
    return next((one for one in found if one), None)


def _object_fault(value: Any, schema: Schema, struct: str, member: str) -> str | None:
    if not isinstance(value, dict):
        return _mismatch(value, struct, member, _go_type(schema))
    properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
    here = schema.get("x-type", struct)
    for name, item in value.items():
        found = None
        if name in properties:
            found = fault(item, properties[name], here, name)
        elif isinstance(additional, dict):
            found = fault(item, additional, struct, member)
        if found:
            return found
    return None


def _loose_fault(value: Any, schema: Schema, struct: str, member: str) -> str | None:
    is_quantity = schema.get("format") == "quantity"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return _mismatch(value, struct, member, "resource.Quantity" if is_quantity else "intstr.IntOrString")
    return quantities.FAULT if is_quantity and not quantities.is_quantity(value) else None


def _mismatch(value: Any, struct: str, member: str, wanted: str) -> str:
    words = {bool: "bool", int: "number", float: f"number {value}", str: "string", list: "array"}
    found = words.get(type(value), "object")
    return f"json: cannot unmarshal {found} into Go struct field {struct}.{member} of type {wanted}"


def _go_type(schema: Schema) -> str:
    name, type_ = schema.get("x-type"), str(schema.get("type"))
    if name:
        return f"v1.{name}"
    if type_ == "array":
        return "[]" + _go_type(schema.get("items") or EMPTY)
    if type_ == "object":
        inner = schema.get("additionalProperties")
        return "map[string]" + (_go_type(inner) if isinstance(inner, dict) else "string")
    if type_ == "integer":
        return str(schema.get("format", "int"))
    return {"boolean": "bool", "number": "float64"}.get(type_, "string")


def normalise(value: Any, schema: Schema) -> None:
    """Quantities become canonical texts, in place, as Go's types write them back, and null texts empty ones."""
    if isinstance(value, dict):
        for name, item in value.items():
            inner = child_schema(schema, name)
            if inner.get("format") == "quantity" and isinstance(item, int | float | str):
                value[name] = quantities.canonical(item)
            elif item is None and inner.get("type") == "string":
                value[name] = ""
            elif inner:
                normalise(item, inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            normalise(item, schema["items"])


def normalise_metadata(metadata: Object) -> None:
    """Empty maps and lists are not written back."""
    for member in ("labels", "annotations", "finalizers", "ownerReferences"):
        if member in metadata and not metadata[member]:
            del metadata[member]
