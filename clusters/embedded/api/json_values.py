"""JSON values: copying them, finding things in them, writing them."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

SCALARS: Final = frozenset((str, int, float, bool, type(None)))


def copied(value: T) -> T:
    """A deep copy of a JSON value. What was one list twice becomes two; it is three times faster than `copy.deepcopy`,
    which remembers everything it meets, and listing pods copies a lot."""
    found: T = _copied(value)
    return found


def _copied(value: Any) -> Any:
    if value.__class__ is dict:
        return {name: one if one.__class__ in SCALARS else _copied(one) for name, one in value.items()}
    if value.__class__ is list:
        return [one if one.__class__ in SCALARS else _copied(one) for one in value]
    return copy.deepcopy(value)


def at(value: Any, path: Sequence[str]) -> Any:
    """The member under a path of names; None where there is none."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def compact(value: Any) -> bytes:
    """JSON without spaces, as the API server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
