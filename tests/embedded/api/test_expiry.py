"""Events end an hour after they were last written, as those of an API server do; nothing else ends by itself."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from clusters.embedded.api.store import Store
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.controller_runtime.controller_context import REMEMBERED_EVENTS, ControllerContext
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
        async with store.watch(EVENTS, None, since) as watch:
            kind, gone = await anext(watch)
        assert (kind, gone["metadata"]["name"]) == ("DELETED", "old")
        assert int(gone["metadata"]["resourceVersion"]) == since + 1

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


def test_words_said_again_count_up_and_what_was_said_long_ago_is_forgotten() -> None:
    async def main() -> None:
        store = Store(virtual_clock(), random.Random(1))
        context = ControllerContext(store, virtual_clock(), random.Random(1), Behaviour())
        about = store.create(CONFIG_MAPS, config("subject"))
        context.event(about, "Said", "first", "test")
        for number in range(REMEMBERED_EVENTS - 1):
            context.event(about, "Said", str(number), "test")
        context.event(about, "Said", "first", "test")
        context.event(about, "Said", "more", "test")
        context.event(about, "Said", "0", "test")
        counts = [(value["message"], value["count"]) for value in store.list(EVENTS)]
        assert counts.count(("first", 2)) == 1
        assert counts.count(("0", 1)) == 2

    run_virtual(main())
