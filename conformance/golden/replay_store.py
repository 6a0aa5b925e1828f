"""A store whose chances are the recording's: its clock, its identities, its generated names, its version jumps."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.ledger import Entry, Key
from clusters.embedded.api.status import Object
from clusters.embedded.api.store import Store
from clusters.embedded.api.values import copied


class RecordedClock:
    """A clock set to the recorded moment; it runs on with the loop from there."""

    def __init__(self, monotonic: Any) -> None:
        self._monotonic = monotonic
        self._offset = 1_800_000_000.0

    def monotonic(self) -> float:
        return float(self._monotonic())

    def wall(self) -> float:
        return self._offset + self.monotonic()

    def set(self, stamp: str) -> None:
        """Make it the recorded moment now."""
        moment = datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
        self._offset = moment - self.monotonic() + 0.001

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(max(0.0, seconds))


class ReplayStore(Store):
    """Adds ways to bring the store to a recorded state."""

    def __init__(self, clock: RecordedClock) -> None:
        super().__init__(clock, random.Random(0))
        self.next_uid = ""
        self.next_suffix = ""

    def new_uid(self) -> str:
        uid, self.next_uid = self.next_uid, ""
        return uid or super().new_uid()

    def new_suffix(self) -> str:
        suffix, self.next_suffix = self.next_suffix, ""
        return suffix or super().new_suffix()

    def restart(self) -> None:
        """Count versions from 1 again, below every recorded one."""
        for held in self._objects.values():
            for value in held.values():
                value["metadata"]["resourceVersion"] = "1"
        self.ledger.compact()
        self.ledger.version = self.ledger.compacted = 1

    def skip_to(self, version: int) -> None:
        """Let other traffic have used up versions up to this one."""
        self.ledger.version = max(self.ledger.version, version)

    def place(self, kind: Kind, value: Object, type_: str = "") -> None:
        """Put an object in as recorded, as if another client had written it."""
        value = copied(value)
        metadata = value["metadata"]
        key: Key = (metadata.get("namespace") or "", metadata["name"])
        old = self.peek(kind, key)
        version = int(metadata["resourceVersion"])
        if version > self.ledger.version:
            self.ledger.version = version - 1
            self._commit(type_ or ("ADDED" if old is None else "MODIFIED"), kind.storage, key, value, old)
        else:
            held = self._objects.setdefault(kind.storage, {})
            held[key] = value
            before = old if old is not None and int(old["metadata"]["resourceVersion"]) < version else None
            type_ = type_ or ("ADDED" if before is None else "MODIFIED")
            self.ledger.insert(Entry(version, type_, kind.storage, key, value, before))
            self._index(kind.storage, key, old, value)

    def assume_present(self, kind: Kind, version: int, names: set[str]) -> None:
        """Objects of these names were there at a version, however they looked."""
        for entry in self.ledger.entries():
            there = entry.storage == kind.storage and entry.version > version and entry.key[1] in names
            if there and entry.type == "ADDED" and entry.previous is None:
                entry.previous = entry.object

    def recall(self, kind: Kind, type_: str, value: Object) -> None:
        """Add a change of the past that this store has not seen."""
        metadata = value["metadata"]
        key: Key = (metadata.get("namespace") or "", metadata["name"])
        for entry in self.ledger.entries():
            if entry.version == int(metadata["resourceVersion"]):
                entry.type = type_
        self.ledger.insert(Entry(int(metadata["resourceVersion"]), type_, kind.storage, key, copied(value), None))

    def forget_up_to(self, version: int) -> None:
        """Compact beyond a version."""
        self.ledger.version = max(self.ledger.version, version + 1)
        self.ledger.compact()

    def drop(self, kind: Kind, key: Key, version: int = 0) -> None:
        """Take an object out, as if another client had deleted it."""
        old = self.peek(kind, key)
        if old is None:
            return
        if version > self.ledger.version:
            self.ledger.version = version - 1
        self._remove(kind.storage, key, {**old, "metadata": dict(old["metadata"])})
