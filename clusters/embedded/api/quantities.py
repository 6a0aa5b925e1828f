"""Kubernetes quantities: reading them, and their canonical text form."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from typing import Final

QUANTITY_FAULT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_FORM: Final = re.compile(r"^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$")
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BY_POWER: Final = {power: suffix for suffix, power in _DECIMAL.items()}


def parsed(value: float | str) -> tuple[Decimal, str]:
    """Amount and family of suffixes (binary, decimal or exponent). Raises ValueError."""
    found = _FORM.match(str(value).strip())
    if not found:
        raise ValueError(f"not a quantity: {value!r}")
    amount, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY[1:]:
        return amount * 1024 ** _BINARY.index(suffix), "binary"
    if suffix in _DECIMAL:
        return amount.scaleb(_DECIMAL[suffix]), "decimal"
    return amount.scaleb(int(suffix[1:])), "exponent"


def is_quantity(value: float | str) -> bool:
    return bool(_FORM.match(str(value)))


def canonical(value: float | str) -> str:
    """1 → "1", "0.5" → "500m", "1024Mi" → "1Gi": no fractions, the largest fitting suffix, the family of suffixes kept.
    Text that is no quantity stays."""
    try:
        amount, family = parsed(value)
    except ValueError:
        return str(value)
    if amount == 0:
        return "0"
    if family == "binary" and amount == amount.to_integral_value() and abs(amount) >= 1024:
        whole, step = int(amount), 0
        while whole % 1024 == 0 and step < len(_BINARY) - 1:
            whole, step = whole // 1024, step + 1
        return f"{whole}{_BINARY[step]}"
    nano = int((amount.scaleb(9)).to_integral_value(rounding=ROUND_CEILING))
    power = -9
    while nano % 1000 == 0 and power < 18:
        nano, power = nano // 1000, power + 3
    if family == "exponent":
        return str(nano) if power == 0 else f"{nano}e{power}"
    return f"{nano}{_BY_POWER[power]}"
