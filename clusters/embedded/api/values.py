"""JSON values: copying them, finding things in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def copied(value: T) -> T:
    """A deep copy of a JSON value; several times faster than `copy.deepcopy`, which minds cycles."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, dict | list) else item for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copied(item) if isinstance(item, dict | list) else item for item in value]  # type: ignore[return-value]
    return value


def at(value: Any, path: Sequence[str]) -> Any:
    """The member under a path of names; None where there is none."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
