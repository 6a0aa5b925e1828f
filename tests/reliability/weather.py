"""Trouble between the harness and the platform, made on purpose and on a timetable, in virtual time.

A `Trouble` acts on the api to the API server, on the ingress, or on the disk during one stretch of the scenario. The
platform behind it is the honest embedded one, so any FAIL is a wrong accusation and any doubtful PASS would be luck.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response
from conformance.base.tasks import tasks
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.cluster import Cluster, Ingress
from conformance.kube.verbs import ApiStatus

EXPIRES_SECONDS: Final = 1.0
"""How long a watch lasts while versions expire."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble from `start` for `seconds`, counted from the cluster's opening."""

    name: str
    start: float = 0.0
    seconds: float = 0.0
    refuse: bool = False
    """Requests and new streams find nobody."""
    status: int = 0
    """Requests and new streams are answered with this error."""
    retry_after: float = 0.0
    delay_seconds: float = 0.0
    """Answers come this much later."""
    cut_every: int = 0
    """Streams break after this many lines, all the time."""
    expire: bool = False
    """New watches are told once that their version is too old."""
    unauthorized: bool = False
    ingress: str = ""
    """refuse, reset or stall."""

    def on(self, now: float) -> bool:
        """Whether it acts at this moment."""
        return self.start <= now < self.start + self.seconds

    def undisturbed(self, now: float) -> float | None:
        """Seconds that a stream may stay open from now on before the weather is looked at; None when it is over."""
        if self.expire and self.on(now):
            return EXPIRES_SECONDS
        return next((edge - now for edge in (self.start, self.start + self.seconds) if edge > now), None)


class TroubledClient:
    """An API with weather."""

    def __init__(self, api: ApiClient, trouble: Trouble, clock: Clock, opened: float) -> None:
        self._api = api
        self._trouble = trouble
        self._clock = clock
        self._opened = opened
        self._rng = random.Random(7)

    def _acting(self) -> bool:
        return self._trouble.on(self._clock.monotonic() - self._opened)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        if self._acting():
            if self._trouble.refuse:
                raise PlatformError(f"{method} {path}: connection refused")
            if self._trouble.unauthorized:
                return Answer(401, {}, b'{"kind":"Status","reason":"Unauthorized","message":"token expired"}')
            if self._trouble.status:
                headers = {"retry-after": f"{self._trouble.retry_after:g}"} if self._trouble.retry_after else {}
                return Answer(self._trouble.status, headers, b'{"kind":"Status","reason":"Made","message":"made"}')
            await self._clock.sleep(self._trouble.delay_seconds)
        return await self._api.request(method, path, **options)

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        if self._acting():
            if self._trouble.refuse:
                raise PlatformError(f"GET {path}: connection refused")
            if self._trouble.unauthorized or self._trouble.status:
                raise ApiStatus(self._trouble.status or 401, "Made", "made")
        async with self._api.stream(path, query=query) as lines:
            yield self._lines(lines)

    async def _lines(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if self._trouble.expire and self._acting() and self._rng.random() < 0.5:
            yield b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}'
            return
        arrivals: asyncio.Queue[bytes | None] = asyncio.Queue()
        async with tasks() as group:
            pump = group.create_task(_pump(lines, arrivals))
            try:
                while True:
                    line = await self._next(arrivals)
                    if line is None:
                        return
                    if line:
                        yield line
            finally:
                pump.cancel()

    async def _next(self, arrivals: asyncio.Queue[bytes | None]) -> bytes | None:
        """The next line, None at the end, nothing when the weather changed first. Raises where the stream breaks."""
        trouble = self._trouble
        try:
            async with asyncio.timeout(trouble.undisturbed(self._clock.monotonic() - self._opened)):
                line = await arrivals.get()
        except TimeoutError:
            line = b""
        if self._acting():
            if trouble.refuse or trouble.expire:
                raise PlatformError("the stream was cut")
            if line and trouble.cut_every and self._rng.random() < 1 / trouble.cut_every:
                raise PlatformError("the stream was cut")
            if line:
                await self._clock.sleep(trouble.delay_seconds)
        return line

    async def close(self) -> None:
        await self._api.close()


async def _pump(lines: AsyncIterator[bytes], arrivals: asyncio.Queue[bytes | None]) -> None:
    async for line in lines:
        arrivals.put_nowait(line)
    arrivals.put_nowait(None)


def troubled_ingress(handler: Handler, trouble: Trouble, clock: Clock, opened: float) -> Handler:
    """An ingress with weather."""

    async def handle(request: Request) -> Response:
        if trouble.ingress and trouble.on(clock.monotonic() - opened):
            if trouble.ingress == "refuse":
                raise ExchangeError("connect", "connection refused")
            if trouble.ingress == "reset":
                await clock.sleep(0.01)
                raise ExchangeError("reset", "connection reset by peer")
            await clock.sleep(max(0.0, opened + trouble.start + trouble.seconds - clock.monotonic()))
        return await handler(request)

    return handle


class TroubledProvider:
    """The honest embedded platform behind weather."""

    def __init__(self, clock: Clock, trouble: Trouble, fault: str | None = None, seed: int = 1) -> None:
        self._provider = EmbeddedProvider(clock=clock, seed=seed, fault=fault)
        self._clock = clock
        self._trouble = trouble

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Cluster]:
        async with self._provider.open() as cluster:
            opened = self._clock.monotonic()
            assert cluster.ingress.handler is not None
            handler = troubled_ingress(cluster.ingress.handler, self._trouble, self._clock, opened)
            yield replace(
                cluster,
                api=TroubledClient(cluster.api, self._trouble, self._clock, opened),
                ingress=Ingress(address="", handler=handler),
            )
