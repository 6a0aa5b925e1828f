"""Objects that end by themselves: Events, an hour after they were last written, as the API server does (--event-ttl).

There is no timer: what is due goes when something next changes. A platform in which nothing changes does not grow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from clusters.embedded.api.kinds import Storage
from clusters.embedded.api.ledger import Entry, Key

TTL_SECONDS: Final[Mapping[Storage, float]] = {("", "events"): 3600.0}


class Expiry:
    """Which objects are due."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, Storage, Key, str]] = deque()

    def note(self, entry: Entry) -> None:
        """A change: one that writes an object of limited life sets its end anew."""
        ttl_seconds = TTL_SECONDS.get(entry.storage)
        if ttl_seconds is not None and entry.type != "DELETED":
            self._ends.append((entry.at + ttl_seconds, entry.storage, entry.key, str(entry.version)))

    def due(self, now: float) -> tuple[Storage, Key, str] | None:
        """Taken out: storage, key and version of one write whose object ends unless it was written again."""
        if not self._ends or self._ends[0][0] > now:
            return None
        return self._ends.popleft()[1:]
