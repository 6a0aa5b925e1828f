"""The platform's own lag."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from clusters.embedded.loopback.process_lag import watching
from conformance.kube.cluster import LOOP_LAG_PATH


async def _behind(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "behind"})


async def _get(app: Any, path: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await app({"type": "http", "path": path}, None, send)
    return said


def _hold_up(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@pytest.mark.asyncio
async def test_a_loop_that_was_held_up_says_by_how_much() -> None:
    async with watching(_behind) as vitals:
        await asyncio.sleep(0)
        _hold_up(0.4)
        async with asyncio.timeout(60):
            while not vitals.lag_seconds:
                await asyncio.sleep(0)
        start, body = await _get(vitals, LOOP_LAG_PATH)
    assert start["status"] == 200
    assert json.loads(body["body"])["seconds"] >= 0.3


@pytest.mark.asyncio
async def test_all_other_paths_are_the_applications() -> None:
    async with watching(_behind) as vitals:
        assert await _get(vitals, "/version") == [{"type": "behind"}]
