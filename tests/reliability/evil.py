"""A platform that says what it likes: names that lead out of folders, texts that drive terminals, absurd numbers.

The objects of an honest embedded platform are changed on their way to the harness, in virtual time.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import Clock
from conformance.base.http.exchange import Handler, Request, Response
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.cluster import Cluster, Ingress

EVIL: Final = (
    "../../../evil</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\x1b]0;owned\x07\u202e\n# x"
)
"""Leads out of a folder, closes an element, drives a terminal, turns text around, begins a line of its own."""
BOMB: Final = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
"""YAML of a few hundred bytes that stands for a few thousand million values."""


def spoilt(value: Any) -> Any:
    """An object, or a list of them, as the platform would have it."""
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("items"), list):
        return {**value, "items": [spoilt(item) for item in value["items"]]}
    found = _texts(value)
    for status in (found.get("status") or {}).get("containerStatuses") or ():
        status["name"] = EVIL
    metadata = found.get("metadata")
    if isinstance(metadata, dict):
        metadata["annotations"] = {**(metadata.get("annotations") or {}), "evil": BOMB, EVIL: EVIL}
        metadata["generation"] = 10**300
        # One in two keeps its name, so that its logs can be asked for.
        if "nodeName" in (value.get("spec") or {}) and metadata["name"][-1] < "n":
            metadata["name"] += EVIL
    if "involvedObject" in found:
        found |= {"reason": EVIL, "message": EVIL, "count": -(10**300), "lastTimestamp": EVIL}
        found["involvedObject"] = {**found["involvedObject"], "name": EVIL}
    return found


def _texts(value: Any) -> Any:
    """With the words of every condition and container changed."""
    if isinstance(value, dict):
        found = {name: _texts(inner) for name, inner in value.items()}
        words = {name: EVIL for name in ("message", "lastTransitionTime", "imageID") if name in found}
        return {**found, **words}
    return [_texts(inner) for inner in value] if isinstance(value, list) else value


class HostileClient:
    """A api behind which everything has been spoilt."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        answer = await self._api.request(method, path, **options)
        if answer.headers.get("content-type") != "application/json" or not answer.body:
            return answer
        return replace(answer, body=json.dumps(spoilt(json.loads(answer.body))).encode())

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._api.stream(path, query=query) as lines:
            yield self._lines(lines)

    async def _lines(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for line in lines:
            event = json.loads(line)
            yield json.dumps({**event, "object": spoilt(event["object"])}).encode()

    async def close(self) -> None:
        await self._api.close()


def evil_ingress(handler: Handler) -> Handler:
    """Answers whose witness talks nonsense, a different one each time."""
    count = 0

    async def handle(request: Request) -> Response:
        nonlocal count
        count += 1
        answer = await handler(request)
        names = (EVIL + str(count), "nan", "1e999", "-inf")
        headers = dict(zip(("x-pod", "x-in-flight", "x-high-water", "x-model-ms"), names, strict=True))
        kept = tuple(pair for pair in answer.headers if pair[0] not in headers)
        return replace(answer, headers=(*kept, *((name, text.replace("\u202e", "")) for name, text in headers.items())))

    return handle


class EvilProvider:
    """The embedded platform, told badly. `objects` and `answers` say which of the two."""

    def __init__(self, clock: Clock, *, objects: bool, answers: bool) -> None:
        self._provider = EmbeddedProvider(clock=clock, seed=1)
        self._objects = objects
        self._answers = answers

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Cluster]:
        async with self._provider.open() as cluster:
            handler = cluster.ingress.handler
            assert handler is not None
            yield replace(
                cluster,
                api=HostileClient(cluster.api) if self._objects else cluster.api,
                ingress=Ingress(address="", handler=evil_ingress(handler) if self._answers else handler),
                notes=(*cluster.notes, EVIL),
            )
