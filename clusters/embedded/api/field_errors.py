"""Faults of single fields, in the words of the API server's validation (k8s.io/apimachinery, util/validation/field)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

IMMUTABLE: Final = "field is immutable"
NOT_NEGATIVE: Final = "must be greater than or equal to 0"


@dataclass(frozen=True, slots=True)
class Cause:
    """One fault of one field."""

    reason: str
    message: str
    field: str = ""

    def body(self) -> dict[str, str]:
        value = {"reason": self.reason, "message": self.message, "field": self.field}
        return {key: text for key, text in value.items() if text}

    def line(self) -> str:
        """How the fault reads inside the message of an Invalid error."""
        return f"{self.field}: {self.message}" if self.field else self.message


def shown(value: Any) -> str:
    """A value as error texts quote it: compact JSON with sorted members."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def required(field: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {text}" if text else "Required value", field)


def invalid(field: str, value: Any, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {text}", field)


def forbidden(field: str, text: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {text}", field)


def duplicate(field: str, value: Any) -> Cause:
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)


def unsupported(field: str, value: Any, supported: tuple[Any, ...]) -> Cause:
    listed = ", ".join(shown(one) for one in supported)
    return Cause("FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}", field)


def too_long(field: str, limit: int) -> Cause:
    return Cause("FieldValueTooLong", f"Too long: may not be more than {limit} bytes", field)
