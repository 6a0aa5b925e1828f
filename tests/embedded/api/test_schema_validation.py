"""What a schema refuses, in the words of Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.embedded.api.schema_validation import causes

REFUSED: list[tuple[dict[str, Any], Any, str, str]] = [
    (
        {"type": "string"},
        1,
        "FieldValueTypeInvalid",
        'Invalid value: "integer": f in body must be of type string',
    ),
    ({"type": "string", "maxLength": 2}, "abc", "FieldValueTooLong", "Too long: may not be more than 2 bytes"),
    (
        {"type": "string", "minLength": 2},
        "{",
        "FieldValueInvalid",
        'Invalid value: "{": should be at least 2 chars long',
    ),
    ({"type": "array", "maxItems": 2}, [1, 2, 3], "FieldValueTooMany", "Too many: 3: must have at most 2 items"),
    ({"type": "array", "minItems": 1}, [], "FieldValueInvalid", "Invalid value: 0: should have at least 1 items"),
    ({"type": "object", "maxProperties": 0}, {"a": 1}, "FieldValueTooMany", "Too many: 1: must have at most 0 items"),
    ({"type": "object", "required": ["a"]}, {}, "FieldValueRequired", "Required value"),
    ({"enum": ["a"]}, "b", "FieldValueNotSupported", 'Unsupported value: "b": supported values: "a"'),
    ({"maximum": 3}, 4, "FieldValueInvalid", "Invalid value: 4: f in body should be less than or equal to 3"),
    ({"minimum": 3, "exclusiveMinimum": True}, 3, "FieldValueInvalid", "f in body should be greater than 3"),
    ({"type": "integer", "format": "int32"}, 2**31, "FieldValueInvalid", "f in body must be of type int32"),
    ({"pattern": "^a"}, "b", "FieldValueInvalid", "f in body should match '^a'"),
    ({"not": {"type": "string"}}, "a", "FieldValueInvalid", "f in body must not validate the schema (not)"),
    (
        {"oneOf": [{"type": "string"}, {"minLength": 1}]},
        "a",
        "FieldValueInvalid",
        "must validate one and only one",
    ),
    (
        {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        ["a", "a"],
        "FieldValueDuplicate",
        'Duplicate value: "a"',
    ),
]


@pytest.mark.parametrize(("schema", "value", "reason", "words"), REFUSED)
def test_a_value_is_refused_in_these_words(schema: dict[str, Any], value: Any, reason: str, words: str) -> None:
    (cause,) = causes(value, schema, "f")
    assert cause.reason == reason
    assert words in cause.message


ACCEPTED: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string", "nullable": True}, None),
    ({"type": "number"}, 1),
    ({"type": "integer"}, 1.0),
    ({"type": "string", "maxLength": 2}, "ab"),
    ({"minimum": 3}, 3),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}], "x-kubernetes-int-or-string": True}, "50%"),
]


@pytest.mark.parametrize(("schema", "value"), ACCEPTED)
def test_a_value_that_fits_has_no_fault(schema: dict[str, Any], value: Any) -> None:
    assert not list(causes(value, schema, "f"))
