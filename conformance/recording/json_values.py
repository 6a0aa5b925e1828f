"""Looks into open JSON, such as a manifest, without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.recording.shape import Json, JsonObject


def child(value: Json, *path: str) -> JsonObject:
    """The object at a path of keys; an empty one where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def has_child(value: Json, *path: str) -> bool:
    """Whether there is an object at a path of keys."""
    return isinstance(child(value, *path[:-1]).get(path[-1]), Mapping)


def text(value: Json) -> str:
    """A value as text; empty for none."""
    return "" if value is None else str(value)
