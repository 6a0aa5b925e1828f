"""Numbers and booleans as Knative reads and prints them: the grammar of Go's strconv, messages included.

Python accepts more than Go (white space, digits of other scripts) and less (hexadecimal floats), so a literal is
matched against Go's grammar first. All functions raise ValueError with the text Go would put into its error.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

_DECIMAL: Final = r"(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?"
_HEXADECIMAL: Final = (
    r"0[xX]_?(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*\.?(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?|\.[0-9a-fA-F](?:_?[0-9a-fA-F])*)"
    r"[pP][+-]?\d(?:_?\d)*"
)
_FLOAT: Final = re.compile(rf"[+-]?(?:{_DECIMAL})", re.ASCII)
_HEX_FLOAT: Final = re.compile(rf"[+-]?{_HEXADECIMAL}", re.ASCII)
_INFINITE: Final = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)

_EXACT_UP_TO: Final = 1e16
_EXPONENT_FROM: Final = 1e21
"""From the first on Python prints an exponent, Go only from the second on."""

_QUOTED: Final = json.JSONEncoder(ensure_ascii=False)

_TRUE: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def quote(text: str) -> str:
    """The text in double quotes, control characters escaped."""
    return _QUOTED.encode(text)


def parse_float(text: str) -> float:
    """A 64-bit float; `inf`, `infinity` and `nan` in any case are numbers, white space is not allowed."""
    if _FLOAT.fullmatch(text):
        value = float(text)
    elif _HEX_FLOAT.fullmatch(text):
        try:
            value = float.fromhex(text.replace("_", ""))
        except OverflowError:
            value = math.inf
    elif _INFINITE.fullmatch(text):
        return float(text)
    elif text.lower() == "nan":
        return math.nan
    else:
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    if math.isinf(value):
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return value


class RangeError(ValueError):
    """The literal is an integer, but too large for its type."""


def parse_integer(text: str, bits: int) -> int:
    """A decimal integer that fits into `bits` bits; raises RangeError when it does not."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    value = int(text)
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise RangeError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


def parse_boolean(text: str) -> bool:
    """One of 1, t, T, TRUE, true, True and their opposites."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quote(text)}: invalid syntax")


def format_float(value: float) -> str:
    """The shortest text that reads back as the same number; an exponent below 1e-4 and from 1e21 on."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return f"{value:+}".title()
    if _EXACT_UP_TO <= abs(value) < _EXPONENT_FROM:
        return str(int(value))
    return repr(value).removesuffix(".0")


def format_fixed(value: float) -> str:
    """Six digits after the point."""
    return f"{value:.6f}" if math.isfinite(value) else format_float(value)
