"""Validation of built-in kinds beyond their types: the rules that recorded clients run into."""

from __future__ import annotations

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Cause, Object


def causes(kind: Kind, value: Object, old: Object | None, subresource: str) -> list[Cause]:
    """Faults of a built-in object."""
    return []
