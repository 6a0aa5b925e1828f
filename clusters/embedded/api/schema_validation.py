"""Faults of an object against its structural schema, worded as the API server words them for custom resources.

Of the rules in CEL (`x-kubernetes-validations`) one form is understood, `self == oldSelf`: the value must not change.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.field_errors import IMMUTABLE, Cause, duplicate, invalid, required, shown, unsupported
from clusters.embedded.api.quantities import is_quantity
from clusters.embedded.api.structural_schema import EMPTY, INT_OR_STRING, Schema, child_schema

INT_RANGES: Final = {"int32": 2**31, "int64": 2**63}
RULES: Final = "x-kubernetes-validations"
UNCHANGED_RULES: Final = ("self == oldSelf", "oldSelf == self")
WHOLE: Final = 2**53
"""Up to here a number written with a point can be a whole one."""


def causes(value: Any, schema: Schema, field: str = "") -> Iterator[Cause]:
    """All faults of a value and of what is in it."""
    wrong = _type_cause(value, schema, field)
    if wrong is not None:
        yield wrong
    yield from _bound_causes(value, schema, field)
    if isinstance(value, str):
        yield from _string_causes(value, schema, field)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_causes(value, schema, field)
    elif isinstance(value, list):
        yield from _list_causes(value, schema, field)
    if "enum" in schema and value is not None and value not in schema["enum"]:
        yield unsupported(field, value, tuple(schema["enum"]))
    if isinstance(value, dict):
        yield from _object_causes(value, schema, field)
    yield from _combined_causes(value, schema, field)


def _types(schema: Schema) -> list[str]:
    if schema.get(INT_OR_STRING):
        return ["integer", "string", *(["number"] if schema.get("format") == "quantity" else [])]
    return [schema["type"]] if schema.get("type") else []


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _type_cause(value: Any, schema: Schema, field: str) -> Cause | None:
    wanted, found = _types(schema), _type_of(value)
    if not wanted or found in wanted or (value is None and schema.get("nullable")):
        return None
    if found == "integer" and "number" in wanted:
        return None
    if found == "number" and "integer" in wanted and float(value).is_integer() and abs(value) < WHOLE:
        return None
    return _wrong_type(found, field, ",".join(wanted), found)


def _wrong_type(value: Any, field: str, wanted: str, found: str) -> Cause:
    text = f'Invalid value: {shown(value)}: {field} in body must be of type {wanted}: "{found}"'
    return Cause("FieldValueTypeInvalid", text, field)


BOUNDS: Final = (
    ("maxLength", str, 1, "FieldValueTooLong", "Too long: may not be more than {limit} bytes"),
    ("minLength", str, -1, "FieldValueInvalid", "Invalid value: {value}: should be at least {limit} chars long"),
    ("maxItems", list, 1, "FieldValueTooMany", "Too many: {count}: must have at most {limit} items"),
    ("minItems", list, -1, "FieldValueInvalid", "Invalid value: {count}: should have at least {limit} items"),
    ("maxProperties", dict, 1, "FieldValueTooMany", "Too many: {count}: must have at most {limit} items"),
    ("minProperties", dict, -1, "FieldValueInvalid", "Invalid value: {count}: should have at least {limit} properties"),
)
"""Keyword, type, which way is too far, the fault's reason and its words."""


def _bound_causes(value: Any, schema: Schema, field: str) -> Iterator[Cause]:
    for name, type_, sign, reason, words in BOUNDS:
        if name in schema and isinstance(value, type_) and (len(value) - schema[name]) * sign > 0:
            yield Cause(reason, words.format(limit=schema[name], count=len(value), value=shown(value)), field)


def _string_causes(value: str, schema: Schema, field: str) -> Iterator[Cause]:
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        yield invalid(field, value, f"{field} in body should match '{schema['pattern']}'")
    fits = FORMATS.get(schema.get("format", ""))
    if fits is not None and not fits(value):
        yield _wrong_type(value, field, schema["format"], "string")


def _number_causes(value: float, schema: Schema, field: str) -> Iterator[Cause]:
    if _types(schema) == ["integer"]:
        limit = INT_RANGES.get(schema.get("format", ""), 2**63)
        if not -limit <= value < limit:
            yield invalid(field, value, f"{field} in body must be of type {schema.get('format', 'int64')}")
    if "multipleOf" in schema and value % schema["multipleOf"]:
        yield invalid(field, value, f"{field} in body should be a multiple of {schema['multipleOf']}")
    for name, words, sign in (("maximum", "less than", 1), ("minimum", "greater than", -1)):
        is_strict = bool(schema.get(f"exclusive{name.capitalize()}"))
        beyond = (value - schema[name]) * sign if name in schema else -1
        if beyond > 0 or (is_strict and beyond == 0):
            word = words if is_strict else f"{words} or equal to"
            yield invalid(field, value, f"{field} in body should be {word} {schema[name]}")


def _list_causes(value: list[Any], schema: Schema, field: str) -> Iterator[Cause]:
    items, kind = schema.get("items") or EMPTY, schema.get("x-kubernetes-list-type")
    names, seen = schema.get("x-kubernetes-list-map-keys") or (), []
    for index, item in enumerate(value):
        yield from causes(item, items, f"{field}[{index}]")
        is_keyed = kind == "map" and isinstance(item, dict)
        key = {name: item[name] for name in names if name in item} if is_keyed else item
        if kind in ("set", "map") and key in seen:
            yield duplicate(f"{field}[{index}]", key)
        seen.append(key)


def _object_causes(value: dict[str, Any], schema: Schema, field: str) -> Iterator[Cause]:
    for name in sorted(value):
        inner = child_schema(schema, name)
        if inner:
            yield from causes(value[name], inner, _below(field, name))
    for name in schema.get("required") or ():
        if name not in value:
            yield required(_below(field, name))


def _combined_causes(value: Any, schema: Schema, field: str) -> Iterator[Cause]:
    def fits(one: Schema) -> bool:
        return next(causes(value, one, field), None) is None

    if schema.get(INT_OR_STRING):
        return
    if schema.get("anyOf") and not any(fits(one) for one in schema["anyOf"]):
        yield invalid(field, value, f"{field} in body must validate at least one schema (anyOf)")
    if schema.get("oneOf") and sum(fits(one) for one in schema["oneOf"]) != 1:
        yield invalid(field, value, f"{field} in body must validate one and only one schema (oneOf)")
    for one in schema.get("allOf") or ():
        yield from causes(value, one, field)
    if schema.get("not") and fits(schema["not"]):
        yield invalid(field, value, f"{field} in body must not validate the schema (not)")


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    """A Go pattern in Python; one that means nothing here fits everything."""
    try:
        return re.compile(text.replace(r"\z", r"\Z"))
    except re.error:
        return re.compile("")


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return False
    return "T" in value.upper()


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value.replace("\n", ""), validate=True)
    except ValueError:
        return False
    return True


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {
    "byte": _is_base64,
    "date-time": _is_time,
    "quantity": is_quantity,
}


def changed_causes(value: Any, old: Any, schema: Schema, field: str = "") -> Iterator[Cause]:
    """Values that a rule fixes and that changed; `old` is None where there was nothing before."""
    if old is None:
        return
    for rule in schema.get(RULES) or ():
        if rule.get("rule") in UNCHANGED_RULES and value != old:
            yield invalid(field, value, rule.get("message") or IMMUTABLE)
    if isinstance(value, dict) and isinstance(old, dict):
        for name in sorted(value):
            yield from changed_causes(value[name], old.get(name), child_schema(schema, name), _below(field, name))


def unenforced(definition: Object) -> Iterator[str]:
    """Rules in a CustomResourceDefinition that this server does not evaluate."""
    for version in (definition.get("spec") or {}).get("versions") or ():
        yield from _rules(version.get("schema") or EMPTY)


def _rules(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == RULES and isinstance(item, list):
                texts = (str(rule.get("rule")) for rule in item)
                yield from (text for text in texts if text not in UNCHANGED_RULES)
            else:
                yield from _rules(item)
    elif isinstance(value, list):
        for item in value:
            yield from _rules(item)
