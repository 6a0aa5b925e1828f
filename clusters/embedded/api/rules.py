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
        cause = _checked(rule, value, old, schema, field)
        if cause is not None:
            yield cause
    if isinstance(value, dict):
        properties, additional = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name) or (additional if isinstance(additional, dict) else None)
            before = old.get(name) if isinstance(old, dict) else None
            if inner is not None:
                yield from _broken(value[name], before, inner, f"{field}.{name}" if field else name)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _broken(item, _earlier(item, old, schema), schema["items"], f"{field}[{index}]")


def _checked(rule: dict[str, Any], value: Any, old: Any, schema: Schema, field: str) -> Cause | None:
    """One rule on one value; None when it holds, compares with a state there is none of, or is not understood."""
    text = rule["rule"]
    if rule.get("optionalOldSelf") or (old is None and re.search(r"\boldSelf\b", text)):
        return None
    message = rule.get("message") or f"failed rule: {text}"
    where = field + rule.get("fieldPath", "")
    if expressions.float_in_place_of_integer(text, value, schema):
        shown = f"invalid data, expected int, got float64 evaluating rule: {message}"
        return Cause("FieldValueInvalid", f'Invalid value: "object": {shown}', where)
    variables = {"self": expressions.converted(value, schema)}
    if old is not None:
        variables["oldSelf"] = expressions.converted(old, schema)
    try:
        if expressions.evaluate(text, variables):
            return None
        message = _composed(rule, variables) or message
    except expressions.NotUnderstoodError:
        return None
    except expressions.EvaluationError as error:
        shown = f"{error} evaluating rule: {message}"
        return Cause("FieldValueInvalid", f'Invalid value: "{schema.get("type", "object")}": {shown}', where)
    return Cause(*_worded(rule, value, message), where)


def _composed(rule: dict[str, Any], variables: dict[str, Any]) -> str:
    """The text of a `messageExpression`; empty when there is none or it does not make a line of text."""
    expression = rule.get("messageExpression")
    if not expression:
        return ""
    try:
        text = expressions.evaluate(expression, variables)
    except (expressions.NotUnderstoodError, expressions.EvaluationError):
        return ""
    return text.strip() if isinstance(text, str) and "\n" not in text else ""


def _earlier(item: Any, old: Any, schema: Schema) -> Any:
    """The state before of an item, which only the keys of a list-map tell."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return None
    return next((one for one in old if all(one.get(key) == item.get(key) for key in keys)), None)


def unenforced(schema: Schema) -> Iterator[str]:
    """Rules that use something this server does not know, so that they can be told of."""
    for rule in schema.get(RULES) or ():
        if rule.get("optionalOldSelf") or not expressions.understood(str(rule.get("rule", ""))):
            yield str(rule.get("rule", ""))
    inner = [*(schema.get("properties") or {}).values()]
    inner += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    for one in inner:
        yield from unenforced(one)


def _worded(rule: dict[str, Any], value: Any, message: str) -> tuple[str, str]:
    reason = rule.get("reason", "FieldValueInvalid")
    if reason == "FieldValueForbidden":
        return reason, f"Forbidden: {message}"
    if reason == "FieldValueRequired":
        return reason, f"Required value: {message}"
    if reason == "FieldValueDuplicate":
        return reason, f"Duplicate value: {message}"
    shown = value if not isinstance(value, dict | list) else None
    text = f"Invalid value: {message}" if shown is None else f"Invalid value: {shown!r}: {message}"
    return reason, text.replace("'", '"') if isinstance(shown, str) else text
