"""The change log: what happened to every object, in order, for as long as it is kept. Watches and past states come from
it, as from the real server's watch cache."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from clusters.embedded.api.api_errors import Object, expired
from clusters.embedded.api.kinds import Storage

KEEP_SECONDS: Final = 300.0
"""As the API server compacts etcd: every five minutes (--etcd-compaction-interval)."""
FEW: Final = 1000
"""Changes that cost little and are kept whatever their age."""

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is empty."""

FIRST_VERSION: Final = 1000
"""Where resourceVersions begin: lower ones were never there, so clients that make them up are told so."""


@dataclass(slots=True, eq=False)
class Entry:
    """One change. Objects are frozen by agreement: nobody changes them once they are in here."""

    version: int
    type: str
    storage: Storage
    key: Key
    object: Object
    previous: Object | None
    """The state before; None for ADDED."""
    at: float = math.inf
    """When, on the store's monotonic clock; infinite where nobody knows, which is never old."""
    encoded: dict[tuple[str, str], bytes] = field(default_factory=dict, repr=False)
    """Wire forms already made, by version and event type: many watchers, one encoding."""


class ChangeLog:
    """An append-only list of changes with one version counter, compacted from its old end."""

    def __init__(self, keep: int = 20_000, now: Callable[[], float] = lambda: 0.0) -> None:
        """At most `keep` changes are kept, and beyond the last FEW only those of the last KEEP_SECONDS of `now`."""
        self._now = now
        self.version = FIRST_VERSION
        self.compacted = FIRST_VERSION
        self._keep = keep
        self._entries: deque[Entry] = deque()
        self._watches: dict[Storage, list[Watch]] = {}

    def append(self, type_: str, storage: Storage, key: Key, value: Object, previous: Object | None) -> Entry:
        """Record a change whose object already carries the next version."""
        self.version += 1
        entry = Entry(self.version, type_, storage, key, value, previous, self._now())
        self._entries.append(entry)
        kept, oldest = self._entries, entry.at - KEEP_SECONDS
        while len(kept) > self._keep or (len(kept) > FEW and kept[0].at < oldest):
            self.compacted = kept.popleft().version
        for watch in self._watches.get(storage, ()):
            watch.offer(entry)
        return entry

    def after(self, storage: Storage, version: int) -> list[Entry]:
        """Changes of one storage later than a version. Raises 410 when that is no longer known."""
        if version < self.compacted:
            raise expired(f"too old resource version: {version} ({self.compacted})")
        newer: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.version <= version:
                break
            if entry.storage == storage:
                newer.append(entry)
        newer.reverse()
        return newer

    def state_at(self, storage: Storage, current: Mapping[Key, Object], version: int) -> dict[Key, Object]:
        """The objects as they were at a version: today's, with later changes undone."""
        state = dict(current)
        for entry in reversed(self.after(storage, version)):
            if entry.previous is None:
                state.pop(entry.key, None)
            else:
                state[entry.key] = entry.previous
        return state

    def watch(self, storage: Storage, namespace: str) -> Watch:
        """Subscribe to what comes, of one namespace or, when it is empty, of all."""
        watch = Watch(self._leave, storage, namespace)
        self._watches.setdefault(storage, []).append(watch)
        return watch

    def end(self, storage: Storage) -> None:
        """Close all watches of a storage, whose kind is no longer served."""
        for watch in list(self._watches.get(storage, ())):
            watch.close()

    def _leave(self, watch: Watch) -> None:
        watches = self._watches.get(watch.storage, [])
        if watch in watches:
            watches.remove(watch)


class Watch:
    """A subscription."""

    def __init__(self, leave: Callable[[Watch], None], storage: Storage, namespace: str) -> None:
        self.storage = storage
        self._leave = leave
        self._namespace = namespace
        self._pending: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, entry: Entry) -> None:
        if not self._namespace or entry.key[0] == self._namespace:
            self._pending.append(entry)
            self._wake.set()

    async def ready(self) -> None:
        """Wait until something is there or the watch is closed."""
        while not self._pending and not self._closed:
            self._wake.clear()
            await self._wake.wait()

    def take(self) -> list[Entry]:
        """All that has come, without waiting."""
        taken = list(self._pending)
        self._pending.clear()
        return taken

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True
        self._wake.set()
        self._leave(self)
