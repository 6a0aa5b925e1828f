"""A state machine over the store: a watch loses, repeats and reorders nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.change_log import Entry, Watch
from clusters.embedded.api.store import Store
from conformance.base.clock import VirtualClock, VirtualLoop
from conformance.kube.resources import CONFIG_MAPS

PLACE: Final = ("", "configmaps")
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
        self.watches: list[tuple[Watch, int, dict[str, dict[str, str]]]] = []
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
        self._follow((), dict(self.model))

    @rule()
    def watch_from_the_start(self) -> None:
        self._follow(self.store.present(PLACE, "n"), {})

    @precondition(lambda self: self.changes)
    @rule(back=st.integers(0, 10))
    def watch_from_the_past(self, back: int) -> None:
        version = self.changes[max(0, len(self.changes) - 1 - back)][2]
        try:
            newer = self.store.change_log.after(PLACE, version)
        except ApiError as error:
            assert error.reason == "Expired"  # noqa: PT017
            return
        seen = self.store.change_log.state_at(PLACE, self.store.objects(PLACE), version)
        self._follow(newer, {key[1]: value.get("data", {}) for key, value in seen.items()})

    def _follow(self, first: Sequence[Entry], state: dict[str, dict[str, str]]) -> None:
        for entry in first:
            self._step(state, entry)
        self.watches.append((self.store.change_log.watch(PLACE, "n"), len(self.changes), state))

    @invariant()
    def every_watch_arrives_at_the_model(self) -> None:
        for index, (watch, begun, state) in enumerate(self.watches):
            entries = watch.take()
            assert [(entry.type, entry.key[1], entry.version) for entry in entries] == self.changes[begun:]
            for entry in entries:
                self._step(state, entry)
            self.watches[index] = (watch, len(self.changes), state)
            assert state == self.model

    def _step(self, state: dict[str, dict[str, str]], entry: Entry) -> None:
        name = entry.key[1]
        assert entry.object["metadata"]["resourceVersion"] == str(entry.version)
        if entry.type == "DELETED":
            del state[name]
        else:
            assert (entry.type == "ADDED") == (name not in state)
            state[name] = entry.object.get("data", {})

    def teardown(self) -> None:
        for watch, _, _ in self.watches:
            watch.close()
        self.loop.close()


StoreMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestNoEventIsLostRepeatedOrReordered = StoreMachine.TestCase
