"""Arrays for the page: base64 of little-endian float32 (or bytes), a third of the size of JSON and no parsing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def floats(values: NDArray[Any]) -> str:
    """float32: for seconds within hours good to 0.1 ms, finer than a pixel."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode("ascii")


def small(values: NDArray[Any]) -> str:
    """Bytes 0 to 255."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=np.uint8).tobytes()).decode("ascii")


def script_json(value: Mapping[str, Any]) -> str:
    """JSON that can stand inside a script element: nothing in it can close the element or open a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
