"""Faults of a custom object against its structural schema, worded as the API server words them.

The server uses go-openapi's validators; the order of checks and the odd texts (`<nil>: Invalid value: ""`) are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from clusters.embedded.api.go_words import go_json, go_number, go_quote
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import Cause

INT_OR_STRING: Final = "x-kubernetes-int-or-string"
INT_RANGES: Final = {"int32": 2**31, "int64": 2**63}


def faults(value: Any, schema: Schema, field: str = "", path: str | None = None) -> list[Cause]:
    """All faults. `field` leads in the cause, `path` in the text; they differ for a status checked alone."""
    return list(_faults(value, schema, field, field if path is None else path))


def _invalid(field: str, shown: str, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {text}", field)


def _kind_of(value: Any) -> tuple[str, str]:
    """(JSON type, Go format) of a value."""
    if value is None:
        return "null", ""
    if isinstance(value, bool):
        return "boolean", ""
    if isinstance(value, int):
        return ("integer", "int64") if -(2**63) <= value < 2**63 else ("number", "float64")
    if isinstance(value, float):
        return "number", "float64"
    if isinstance(value, str):
        return "string", ""
    return ("array", "") if isinstance(value, list) else ("object", "")


def _types(schema: Schema) -> list[str]:
    if schema.get(INT_OR_STRING):
        return ["integer", "string"]
    return [schema["type"]] if schema.get("type") else []


def _type_fault(value: Any, schema: Schema, field: str, path: str) -> Cause | None:
    wanted = _types(schema)
    if not wanted:
        return None
    kind, form = _kind_of(value)
    if value is None:
        if schema.get("nullable"):
            return None
        return _wrong_type(field, path, ",".join(wanted), "null")
    format_ = schema.get("format", "")
    whole = kind == "number" and float(value).is_integer() and abs(value) < 2**53 and "integer" in wanted
    lower = format_ == "int64" and form == "int32"
    fits = kind in wanted or form == format_ or whole or (kind == "integer" and "number" in wanted) or lower
    if kind not in ("string", "array") and format_ and not fits:
        return _wrong_type(field, path, format_, form)
    if not {"number", "integer"} & set(wanted) and format_ and kind in ("string", "array"):
        return None
    if kind in wanted or whole or (kind == "integer" and "number" in wanted):
        return None
    return _wrong_type(field, path, ",".join(wanted), kind)


def _wrong_type(field: str, path: str, wanted: str, found: str) -> Cause:
    text = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    return Cause("FieldValueTypeInvalid", text, field)


def _faults(value: Any, schema: Schema, field: str, path: str) -> Iterator[Cause]:
    wrong = _type_fault(value, schema, field, path)
    if wrong is not None:
        yield wrong
    if isinstance(value, str):
        yield from _string_faults(value, schema, field, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_faults(value, schema, field, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, field, path)
    if "enum" in schema and value is not None and value not in schema["enum"]:
        allowed = ", ".join(go_quote(item) if isinstance(item, str) else go_json(item) for item in schema["enum"])
        shown = go_json(value)
        yield Cause("FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {allowed}", field)
    if isinstance(value, dict):
        yield from _object_faults(value, schema, field, path)
    yield from _combined_faults(value, schema, field, path)


def _string_faults(value: str, schema: Schema, field: str, path: str) -> Iterator[Cause]:
    size = len(value)
    if "maxLength" in schema and size > schema["maxLength"]:
        yield Cause("FieldValueTooLong", f"Too long: may not be more than {schema['maxLength']} bytes", field)
    if "minLength" in schema and size < schema["minLength"]:
        text = f"{path} in body should be at least {schema['minLength']} chars long"
        yield _invalid(field, go_quote(value), text)
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        yield _invalid(field, go_quote(value), f"{path} in body should match '{schema['pattern']}'")
    format_ = schema.get("format", "")
    if format_ and not _fits_format(value, format_):
        yield _invalid(field, go_quote(value), f"{path} in body must be of type {format_}: {go_quote(value)}")


def _number_faults(value: float, schema: Schema, field: str, path: str) -> Iterator[Cause]:
    kind = (_types(schema) or [""])[0]
    format_ = schema.get("format", "")
    if kind == "integer" and not schema.get(INT_OR_STRING):
        limit = INT_RANGES.get(format_, 2**63)
        whole = float(value).is_integer() if isinstance(value, float) else True
        if not whole or not -limit <= value < limit:
            form = f"with format {format_}" if format_ else "(default format)"
            yield _invalid("<nil>", '""', f"Checked value must be of type integer {form} in {path}")
    shown = go_number(value)
    if "multipleOf" in schema and value % schema["multipleOf"]:
        yield _invalid(field, shown, f"{path} in body should be a multiple of {go_number(schema['multipleOf'])}")
    if "maximum" in schema:
        strict = bool(schema.get("exclusiveMaximum"))
        if value > schema["maximum"] or (strict and value == schema["maximum"]):
            word = "less than" if strict else "less than or equal to"
            yield _invalid(field, shown, f"{path} in body should be {word} {go_number(schema['maximum'])}")
    if "minimum" in schema:
        strict = bool(schema.get("exclusiveMinimum"))
        if value < schema["minimum"] or (strict and value == schema["minimum"]):
            word = "greater than" if strict else "greater than or equal to"
            yield _invalid(field, shown, f"{path} in body should be {word} {go_number(schema['minimum'])}")


def _list_faults(value: list[Any], schema: Schema, field: str, path: str) -> Iterator[Cause]:
    items = schema.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            place = f"[{index}]"
            yield from _faults(item, items, field + place, f"{path}{place}")
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield _invalid(field, str(len(value)), f"{path} in body should have at least {schema['minItems']} items")
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        text = f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
        yield Cause("FieldValueTooMany", text, field)


def _object_faults(value: dict[str, Any], schema: Schema, field: str, path: str) -> Iterator[Cause]:
    size = len(value)
    if "maxProperties" in schema and size > schema["maxProperties"]:
        text = f"Too many: {size}: must have at most {schema['maxProperties']} items"
        yield Cause("FieldValueTooMany", text, field)
    if "minProperties" in schema and size < schema["minProperties"]:
        text = f"{path} in body should have at least {schema['minProperties']} properties"
        yield _invalid(field, str(size), text)
    properties = schema.get("properties") or {}
    additional = schema.get("additionalProperties")
    for name in sorted(value):
        inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
        if inner is not None:
            here = f"{field}.{name}" if field else name
            yield from _faults(value[name], inner, here, f"{path}.{name}" if path else name)
    for name in schema.get("required") or ():
        if name not in value:
            yield Cause("FieldValueRequired", "Required value", f"{field}.{name}" if field else name)


def _combined_faults(value: Any, schema: Schema, field: str, path: str) -> Iterator[Cause]:
    shown = go_json(value) if isinstance(value, str | int | float) else '""'
    any_of = () if schema.get(INT_OR_STRING) else schema.get("anyOf") or ()
    if any_of and all(faults(value, one, field, path) for one in any_of):
        yield _invalid(field, shown, f"{path} in body must validate at least one schema (anyOf)")
    if schema.get("oneOf"):
        valid = sum(1 for one in schema["oneOf"] if not faults(value, one, field, path))
        if valid != 1:
            text = f"{path} in body must validate one and only one schema (oneOf). "
            text += "Found none valid" if not valid else f"Found {valid} valid alternatives"
            yield _invalid(field, shown, text)
    for one in schema.get("allOf") or ():
        if not schema.get(INT_OR_STRING):
            yield from _faults(value, one, field, path)
    if schema.get("not") and not faults(value, schema["not"], field, path):
        yield _invalid(field, shown, f"{path} in body must not validate the schema (not)")


def duplicates(value: Any, schema: Schema, field: str = "") -> Iterator[Cause]:
    """Repeated keys of list-maps and repeated members of sets."""
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        additional = schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
            if inner is not None:
                yield from duplicates(value[name], inner, f"{field}.{name}" if field else name)
        return
    if not isinstance(value, list) or not isinstance(schema.get("items"), dict):
        return
    kind, seen = schema.get("x-kubernetes-list-type"), []
    for index, item in enumerate(value):
        place = f"{field}[{index}]"
        if kind in ("set", "map"):
            names = schema.get("x-kubernetes-list-map-keys") or ()
            key = {name: item[name] for name in names if name in item} if kind == "map" else item
            if key in seen:
                yield Cause("FieldValueDuplicate", f"Duplicate value: {go_json(key)}", place)
            seen.append(key)
        yield from duplicates(item, schema["items"], place)


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(r"\z", r"\Z"))


def _fits_format(value: str, format_: str) -> bool:
    if format_ == "date-time":
        try:
            datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return False
        return "T" in value.upper()
    if format_ == "date":
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", value))
    return True
