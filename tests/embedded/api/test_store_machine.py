"""A state machine over the store: a watch loses, repeats and reorders nothing."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clusters.embedded.api.status import ApiError
from clusters.embedded.api.store import ObjectWatch, Store
from conformance.base.clock import VirtualClock, VirtualLoop
from conformance.kube.resources import CONFIG_MAPS

NAMES = st.sampled_from(["a", "b", "c", "d"])
DATA = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]), max_size=2)


class StoreMachine(RuleBasedStateMachine):
    """Changes objects at random while watches that began at different moments follow."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.store = Store(VirtualClock(self.loop), random.Random(0), keep_changes=50)
        self.model: dict[str, dict[str, str]] = {}
        self.changes: list[tuple[str, str, int]] = []
        self.watches: list[tuple[ObjectWatch, int, dict[str, dict[str, str]], list[int]]] = []
        self.store.listen(lambda entry: self.changes.append((entry.type, entry.key[1], entry.version)))

    @rule(name=NAMES, data=DATA)
    def create(self, name: str, data: dict[str, str]) -> None:
        try:
            self.store.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": data}, namespace="n")
        except ApiError as error:
            assert error.reason == "AlreadyExists"  # noqa: PT017
            assert name in self.model
        else:
            assert name not in self.model
            self.model[name] = data

    @rule(name=NAMES, data=DATA)
    def update(self, name: str, data: dict[str, str]) -> None:
        held = self.store.get(CONFIG_MAPS, "n", name)
        if held is None:
            assert name not in self.model
            return
        before = self.store.version
        changed = self.store.update(CONFIG_MAPS, {**held, "data": data})
        assert (self.store.version == before) == (self.model[name] == data)
        assert changed["data"] == data
        self.model[name] = data

    @rule(name=NAMES)
    def update_a_stale_copy(self, name: str) -> None:
        held = self.store.get(CONFIG_MAPS, "n", name)
        if held is None:
            return
        fresh = {**held, "data": {"z": str(self.store.version)}}
        self.store.update(CONFIG_MAPS, fresh)
        self.model[name] = fresh["data"]
        try:
            self.store.update(CONFIG_MAPS, {**held, "data": {}})
        except ApiError as error:
            assert error.reason == "Conflict"  # noqa: PT017
        else:
            raise AssertionError("a stale version was taken")

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        try:
            self.store.delete(CONFIG_MAPS, "n", name)
        except ApiError as error:
            assert error.reason == "NotFound"  # noqa: PT017
            assert name not in self.model
        else:
            del self.model[name]

    @rule()
    def watch_from_now(self) -> None:
        self._follow(self.store.watch(CONFIG_MAPS, "n", self.store.version), dict(self.model))

    @rule()
    def watch_from_the_start(self) -> None:
        self._follow(self.store.watch(CONFIG_MAPS), {})

    @precondition(lambda self: self.changes)
    @rule(back=st.integers(0, 10))
    def watch_from_the_past(self, back: int) -> None:
        version = self.changes[max(0, len(self.changes) - 1 - back)][2]
        try:
            watch = self.store.watch(CONFIG_MAPS, "n", version)
        except ApiError as error:
            assert error.reason == "Expired"  # noqa: PT017
            return
        seen = self.store.ledger.state_at(("", "configmaps"), self.store.objects(("", "configmaps")), version)
        self._follow(watch, {key[1]: value.get("data", {}) for key, value in seen.items()})

    def _follow(self, watch: ObjectWatch, state: dict[str, dict[str, str]]) -> None:
        self.watches.append((watch, len(self.changes), state, []))

    @invariant()
    def every_watch_arrives_at_the_model(self) -> None:
        self.loop.run_until_complete(self._drain())
        for _, _, state, _ in self.watches:
            assert state == self.model

    async def _drain(self) -> None:
        for index, (watch, begun, state, versions) in enumerate(self.watches):
            fresh: list[tuple[str, str, int]] = []
            for entry in watch.take():
                type_, value = entry
                name, version = value["metadata"]["name"], int(value["metadata"]["resourceVersion"])
                self._step(state, type_, name, value)
                fresh.append((type_, name, version))
            live = [one for one in fresh if one in self.changes[begun:]]
            assert live == self.changes[begun:]
            numbers = versions + [one[2] for one in live]
            assert numbers == sorted(set(numbers))
            self.watches[index] = (watch, len(self.changes), state, numbers)
        await asyncio.sleep(0)

    def _step(self, state: dict[str, dict[str, str]], type_: str, name: str, value: dict[str, Any]) -> None:
        if type_ == "DELETED":
            assert name in state
            del state[name]
        else:
            assert (type_ == "ADDED") == (name not in state)
            state[name] = value.get("data", {})

    def teardown(self) -> None:
        for watch, _, _, _ in self.watches:
            watch.close()
        self.loop.close()


StoreMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestNoEventIsLostRepeatedOrReordered = StoreMachine.TestCase
