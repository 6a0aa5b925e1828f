"""Events end an hour after they were last written, as those of an API server do; nothing else ends by itself."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from clusters.embedded.api.store import Store
from conformance.base.clock import run_virtual, virtual_clock
from conformance.kube.resources import CONFIG_MAPS, EVENTS


def event(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, "reason": "Made"}


def config(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default"}, "data": {}}


def names(store: Store) -> list[str]:
    return [value["metadata"]["name"] for value in store.list(EVENTS)]


def test_an_event_is_gone_at_the_first_change_after_an_hour_and_watchers_hear_of_it() -> None:
    async def main() -> None:
        store = Store(virtual_clock(), random.Random(1))
        store.create(EVENTS, event("old"))
        store.create(CONFIG_MAPS, config("kept"))
        await asyncio.sleep(3599.0)
        store.create(EVENTS, event("young"))
        assert names(store) == ["old", "young"]
        since = store.version
        await asyncio.sleep(1.0)
        store.create(CONFIG_MAPS, config("later"))
        assert names(store) == ["young"]
        assert [entry["metadata"]["name"] for entry in store.list(CONFIG_MAPS)] == ["kept", "later"]
        (entry,) = store.change_log.after(("", "events"), since)
        assert (entry.type, entry.key, entry.version) == ("DELETED", ("default", "old"), since + 1)

    run_virtual(main())


def test_an_event_that_is_written_again_lives_an_hour_from_then() -> None:
    async def main() -> None:
        store = Store(virtual_clock(), random.Random(1))
        made = store.create(EVENTS, event("again"))
        await asyncio.sleep(3000.0)
        made = store.update(EVENTS, {**made, "count": 2})
        await asyncio.sleep(3000.0)
        store.create(CONFIG_MAPS, config("one"))
        assert names(store) == ["again"]
        await asyncio.sleep(600.0)
        store.update(EVENTS, {**made, "count": 3})
        assert names(store) == ["again"]
        await asyncio.sleep(3600.0)
        store.create(CONFIG_MAPS, config("two"))
        assert names(store) == []

    run_virtual(main())
