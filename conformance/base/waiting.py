"""The one way to wait for a condition on what is observed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from conformance.base.clock import Clock

T = TypeVar("T")


class Changing(Protocol):
    """Something that tells when it may have changed."""

    async def changed(self, within: float) -> None:
        """Return at the next change or after `within` seconds."""


async def until(
    condition: Callable[[], T | None],
    observed: Changing,
    clock: Clock,
    *,
    within: float,
    holding: float = 0.0,
) -> T | None:
    """Wait until `condition` gives something and has kept giving it for `holding` seconds.

    Returns what it gave, or None when `within` seconds passed first."""
    end = clock.monotonic() + within
    since: float | None = None
    while True:
        value = condition()
        now = clock.monotonic()
        if value is None:
            since = None
            limit = end
        else:
            since = now if since is None else since
            if now - since >= holding:
                return value
            limit = min(end, since + holding)
        if now >= end:
            return None
        await observed.changed(max(1e-6, limit - now))
