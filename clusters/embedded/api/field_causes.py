"""Faults of fields in the words of the server's validation."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api.go_words import go_json, go_quote
from clusters.embedded.api.status import Cause

IMMUTABLE: Final = "field is immutable"
NOT_NEGATIVE: Final = "must be greater than or equal to 0"


def required(field: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {text}" if text else "Required value", field)


def invalid(field: str, shown: str, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {text}", field)


def forbidden(field: str, text: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {text}", field)


def duplicate(field: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", f"Duplicate value: {go_json(value)}", field)


def unsupported(field: str, value: Any, supported: tuple[str, ...]) -> Cause:
    listed = ", ".join(go_quote(one) for one in supported)
    return Cause("FieldValueNotSupported", f"Unsupported value: {go_json(value)}: supported values: {listed}", field)
