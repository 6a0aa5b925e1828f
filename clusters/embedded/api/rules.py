"""CEL rules of custom resources (`x-kubernetes-validations`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from clusters.embedded.api import expressions
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import Cause, Object

RULES = "x-kubernetes-validations"
UNCHECKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)


def causes(kind: Kind, value: Object, old: Object | None, before: list[Cause]) -> list[Cause]:
    """Rules that do not hold. Faults found before them keep some from being checked, which is then said."""
    schema = kind.schema or {}
    if not has_rules(schema):
        return []
    blocking = ("FieldValueRequired", "FieldValueTypeInvalid", "FieldValueTooLong", "FieldValueTooMany")
    if any(cause.reason in blocking for cause in before):
        return [Cause("FieldValueInvalid", UNCHECKED, "<nil>")]
    if before:
        return []
    return list(_broken(value, old, schema, ""))


def has_rules(schema: Schema) -> bool:
    """Whether a schema or a part of it has rules."""
    if RULES in schema:
        return True
    inner = [*(schema.get("properties") or {}).values()]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    return any(has_rules(one) for one in inner)


def _broken(value: Any, old: Any, schema: Schema, field: str) -> Iterator[Cause]:
    for rule in schema.get(RULES) or ():
        text = rule["rule"]
        if old is None and re.search(r"\boldSelf\b", text):
            continue
        message = rule.get("message") or f"failed rule: {text}"
        where = field + rule.get("fieldPath", "")
        try:
            floats = expressions.float_in_place_of_integer(text, value, schema)
            if floats:
                shown = f"invalid data, expected int, got float64 evaluating rule: {message}"
                yield Cause("FieldValueInvalid", f'Invalid value: "object": {shown}', where)
            elif not expressions.holds(text, {"self": value, "oldSelf": old}):
                yield Cause(*_worded(rule, value, message), where)
        except expressions.NotUnderstoodError:
            continue
    if isinstance(value, dict):
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
            before = old.get(name) if isinstance(old, dict) else None
            if inner is not None:
                yield from _broken(value[name], before, inner, f"{field}.{name}" if field else name)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _broken(item, None, schema["items"], f"{field}[{index}]")


def _worded(rule: dict[str, Any], value: Any, message: str) -> tuple[str, str]:
    reason = rule.get("reason", "FieldValueInvalid")
    if reason == "FieldValueForbidden":
        return reason, f"Forbidden: {message}"
    if reason == "FieldValueRequired":
        return reason, f"Required value: {message}"
    shown = value if not isinstance(value, dict | list) else None
    text = f"Invalid value: {message}" if shown is None else f"Invalid value: {shown!r}: {message}"
    return reason, text.replace("'", '"') if isinstance(shown, str) else text
