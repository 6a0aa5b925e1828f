"""A follower tells every change once and in order, whatever happens to its connection, and says when it was blind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from clusters.embedded.api.asgi import create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import PlatformError
from conformance.base.tasks import tasks
from conformance.kube.api_client import Answer
from conformance.kube.follow import GIVE_UP_SECONDS, Follower, Gap
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.resources import CONFIG_MAPS, NAMESPACES
from conformance.kube.verbs import ApiStatus, Object


@dataclass
class Weather:
    """What happens to connections."""

    down: bool = False
    status: int = 0
    cut_after: int | None = None
    """Lines until a stream breaks."""
    expired: bool = False
    """Watches answer 410 in the stream, once."""
    refused: int = 0
    """Connections that were tried while it was down."""


@dataclass
class UnreliableClient:
    """A api on which the weather works."""

    api: InProcessClient
    weather: Weather

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        self._check()
        return await self.api.request(method, path, **options)

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        self._check()
        async with self.api.stream(path, query=query) as lines:
            yield self._under(lines)

    async def _under(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if self.weather.expired:
            self.weather.expired = False
            yield b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}'
            return
        async for line in lines:
            if self.weather.cut_after == 0:
                self.weather.cut_after = None
                raise PlatformError("cut")
            if self.weather.cut_after is not None:
                self.weather.cut_after -= 1
            yield line

    def _check(self) -> None:
        if self.weather.down:
            self.weather.refused += 1
            raise PlatformError("connection refused")
        if self.weather.status:
            raise ApiStatus(self.weather.status, "Made", "by the weather")

    async def close(self) -> None:
        await self.api.close()


@dataclass
class Scene:
    """A store that changes and a follower that watches it."""

    store: Store
    weather: Weather
    follower: Follower
    seen: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def put(self, name: str) -> None:
        self.store.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": {}}, namespace="space")

    def drop(self, name: str) -> None:
        self.store.delete(CONFIG_MAPS, "space", name)


def play(story: Callable[[Scene], Awaitable[None]]) -> Scene:
    """Tell a story while a follower watches; returns what it saw."""

    async def main() -> Scene:
        clock = virtual_clock()
        store = Store(clock, random.Random(1))
        tokens = Tokens()
        tokens.add("token", ADMIN)
        weather = Weather()
        api = UnreliableClient(InProcessClient(create_app(store, tokens), "token"), weather)
        store.create(NAMESPACES, {"metadata": {"name": "space"}})
        seen: list[tuple[str, str]] = []
        gaps: list[Gap] = []

        def change(kind: str, value: Object) -> None:
            seen.append((kind, value["metadata"]["name"]))

        follower = Follower(api, CONFIG_MAPS, "space", clock, change, gaps.append)
        scene = Scene(store, weather, follower, seen, gaps)
        async with tasks() as group:
            running = group.create_task(follower.run())
            await story(scene)
            await clock.sleep(5)
            running.cancel()
        return scene

    return run_virtual(main())


def test_what_is_there_is_listed_and_what_comes_is_told_once() -> None:
    async def story(scene: Scene) -> None:
        scene.put("a")
        await scene.follower.listed.wait()
        scene.put("b")
        scene.drop("a")

    assert play(story).seen == [("LISTED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_a_server_that_goes_away_is_asked_at_growing_pauses() -> None:
    async def story(scene: Scene) -> None:
        await scene.follower.listed.wait()
        scene.weather.down, scene.weather.cut_after = True, 0
        scene.put("a")
        await virtual_clock().sleep(12)
        scene.weather.down = False

    scene = play(story)
    assert scene.seen == [("ADDED", "a")]
    assert 3 <= scene.weather.refused <= 12


def test_a_cut_stream_is_resumed_without_loss_or_repetition() -> None:
    async def story(scene: Scene) -> None:
        await scene.follower.listed.wait()
        scene.weather.cut_after = 1
        await virtual_clock().sleep(1)
        for name in ("a", "b", "c"):
            scene.put(name)

    scene = play(story)
    assert scene.seen == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


def test_an_expired_version_is_listed_anew_and_what_vanished_is_told() -> None:
    async def story(scene: Scene) -> None:
        scene.put("gone")
        scene.put("stays")
        await scene.follower.listed.wait()
        await virtual_clock().sleep(1)
        scene.weather.down = True
        scene.weather.cut_after = 0
        scene.put("cut")
        await virtual_clock().sleep(1)
        scene.drop("gone")
        scene.weather.expired = True
        scene.weather.down = False

    scene = play(story)
    assert sorted(scene.seen[:2]) == [("LISTED", "gone"), ("LISTED", "stays")]
    assert ("DELETED", "gone") in scene.seen
    assert scene.seen.count(("LISTED", "cut")) + scene.seen.count(("ADDED", "cut")) == 1


def test_blindness_is_reported_as_a_gap_with_its_reason() -> None:
    async def story(scene: Scene) -> None:
        await scene.follower.listed.wait()
        await virtual_clock().sleep(10)
        scene.weather.cut_after = 0
        scene.weather.down = True
        scene.put("during")
        await virtual_clock().sleep(6)
        scene.weather.down = False

    (gap,) = play(story).gaps
    assert gap.plural == "configmaps"
    assert "connection refused" in gap.reason
    assert 5.5 <= gap.end - gap.start <= 20


def test_a_server_that_stays_away_is_given_up() -> None:
    async def story(scene: Scene) -> None:
        await scene.follower.listed.wait()
        scene.weather.cut_after = 0
        scene.weather.down = True
        scene.put("x")
        await virtual_clock().sleep(GIVE_UP_SECONDS * 3)

    with pytest.raises(PlatformError, match=r"^configmaps unseen for 20 s: connection refused"):
        play(story)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final(status: int) -> None:
    async def story(scene: Scene) -> None:
        scene.weather.status = status
        await asyncio.Event().wait()

    with pytest.raises(ApiStatus, match=str(status)):
        play(story)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_refusal_is_outlived(status: int) -> None:
    async def story(scene: Scene) -> None:
        scene.put("a")
        scene.weather.status = status
        await virtual_clock().sleep(3)
        scene.weather.status = 0

    assert play(story).seen == [("LISTED", "a")]


def test_a_quiet_stream_that_breaks_is_not_given_up_at_once() -> None:
    async def story(scene: Scene) -> None:
        await scene.follower.listed.wait()
        await virtual_clock().sleep(GIVE_UP_SECONDS * 2)
        scene.weather.cut_after = 0
        scene.weather.down = True
        scene.put("a")
        await virtual_clock().sleep(5)
        scene.weather.down = False

    scene = play(story)
    assert scene.seen == [("ADDED", "a")]
    assert [gap.end - gap.start < GIVE_UP_SECONDS for gap in scene.gaps] == [True]
