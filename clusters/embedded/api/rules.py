"""CEL rules of custom resources (`x-kubernetes-validations`)."""

from __future__ import annotations

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Cause, Object


def causes(kind: Kind, value: Object, old: Object | None, before: list[Cause]) -> list[Cause]:
    """Rules that do not hold."""
    return []
