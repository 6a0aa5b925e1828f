"""Defaults of built-in kinds that clients see."""

from __future__ import annotations

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object


def set_defaults(kind: Kind, value: Object, *, new: bool = False) -> None:
    """Fill in what the server would."""
