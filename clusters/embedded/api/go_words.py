"""Values as Go prints them, since error texts carry them."""

from __future__ import annotations

import json
from typing import Any


def go_quote(text: str) -> str:
    """%q, for the texts that occur in API objects."""
    return json.dumps(text, ensure_ascii=False)


def go_json(value: Any) -> str:
    """Compact JSON with sorted members."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def go_number(value: float) -> str:
    """%v of an int64 or a float64."""
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return str(value)
        value = float(value)
    if value.is_integer() and abs(value) < 1e21:
        if abs(value) >= 1e20:
            return _exponent(value)
        return str(int(value)) if abs(value) < 1e6 else _exponent(value)
    return repr(value)


def _exponent(value: float) -> str:
    mantissa, _, power = f"{value:e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{power[0]}{int(power[1:]):02d}"


def json_kind(value: Any) -> str:
    """How Go's encoding/json names a JSON value it cannot store."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
