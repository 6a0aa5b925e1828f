"""ResourceQuotas: what a namespace may hold."""

from __future__ import annotations

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.store import Store


def check(store: Store, review: Review) -> None:
    """Raises ApiError Forbidden when a create would exceed a quota."""
