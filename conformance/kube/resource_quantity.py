"""Kubernetes quantities: `500m`, `16Gi`, `2e3`, `8`."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

_FORM: Final = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$")
_BINARY: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_DECIMAL: Final = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


def quantity(value: str | float) -> float:
    """The number a quantity stands for. Raises ValueError when it is none."""
    if isinstance(value, int | float):
        return float(value)
    match = _FORM.match(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is not a Kubernetes quantity")
    digits, exponent, suffix = match.groups()
    if exponent:
        return float(digits + exponent)
    return float(digits) * (_BINARY.get(suffix) or _DECIMAL.get(suffix or "", 1.0))


_POWERS: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def thousandths(value: str | float) -> int:
    """A quantity in thousandths of its unit, rounded up as Kubernetes does it. Raises ValueError when it is none."""
    match = _FORM.match(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a Kubernetes quantity")
    digits, exponent, suffix = match.groups()
    number = Decimal(digits + (exponent or ""))
    if suffix in _BINARY:
        number *= _BINARY[suffix]
    return math.ceil(number.scaleb(3 + (0 if suffix in _BINARY else _POWERS[suffix or ""])))
