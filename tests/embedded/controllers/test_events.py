"""What controllers say about objects: events."""

from __future__ import annotations

import random

from clusters.embedded.api.store import Store
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.controller_runtime.controller_context import REMEMBERED_EVENTS, ControllerContext
from conformance.base.clock import run_virtual, virtual_clock
from conformance.kube.resources import CONFIG_MAPS, EVENTS


def test_words_said_again_count_up_and_what_was_said_long_ago_is_forgotten() -> None:
    async def main() -> None:
        store = Store(virtual_clock(), random.Random(1))
        context = ControllerContext(store, virtual_clock(), random.Random(1), Behaviour())
        about = store.create(CONFIG_MAPS, {"metadata": {"name": "subject", "namespace": "default"}})
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
