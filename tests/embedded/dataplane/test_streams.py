"""Answers that come in parts, and the three timeouts of a revision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypedDict

import pytest

from clusters.embedded.dataplane.sockets import SocketNetwork
from conformance.base.clock import Clock, RealClock, run_virtual
from conformance.base.http.exchange import BodyStream, ExchangeError, Request, Response, whole
from conformance.base.http.http_client import Client
from tests.embedded.dataplane.stage import HOST, Stage, stage


class Paced:
    """A body whose parts come after so many seconds each."""

    def __init__(self, clock: Clock, parts: Sequence[tuple[float, bytes]]) -> None:
        self._clock = clock
        self._parts = list(parts)
        self.closed = False

    async def read(self) -> bytes:
        if not self._parts:
            return b""
        seconds, part = self._parts.pop(0)
        await self._clock.sleep(seconds)
        return part

    def close(self) -> None:
        self.closed = True


def streaming(plane: Stage, *parts: tuple[float, bytes]) -> list[Paced]:
    """Make the only pod's model answer in parts; the bodies it made."""
    made: list[Paced] = []

    def answer() -> Response:
        made.append(Paced(plane.clock, parts))
        return Response(200, (), b"", made[-1])

    plane.pods[0].model.answer = answer
    return made


def body_of(response: Response) -> BodyStream:
    assert response.stream is not None
    return response.stream


PATHS = pytest.mark.parametrize("direct", [False, True], ids=["activator", "direct"])


@PATHS
def test_parts_pass_as_they_come(direct: bool) -> None:
    async def main() -> list[tuple[float, bytes]]:
        async with stage(seconds=0.5) as plane:
            await plane.add_pod()
            streaming(plane, (1.0, b"a"), (2.0, b"b"))
            if direct:
                plane.direct()
            await plane.clock.sleep(1.0)
            began = plane.clock.monotonic()
            body = body_of(await plane.post())
            seen = []
            while part := await body.read():
                seen.append((round(plane.clock.monotonic() - began, 6), part))
            body.close()
            return seen

    assert run_virtual(main()) == [(1.5, b"a"), (3.5, b"b")]


@PATHS
def test_a_request_counts_until_its_last_part_is_through(direct: bool) -> None:
    async def main() -> tuple[list[int], int, bool]:
        async with stage(concurrency=1, seconds=0.1) as plane:
            pod = await plane.add_pod()
            made = streaming(plane, (1.0, b"a"), (1.0, b"b"))
            if direct:
                plane.direct()
            await plane.clock.sleep(1.0)
            counts = []
            body = body_of(await plane.post())
            counts.append(pod.proxy.in_flight)
            second = asyncio.create_task(plane.post())
            await body.read()
            counts.append(len(pod.model.requests))
            assert await whole(Response(200, (), b"", body)) == Response(200, (), b"b")
            counts.append(plane.activator.in_flight(plane.spec.key))
            await whole(await second)
            assert pod.proxy.breaker is not None
            return counts, pod.proxy.in_flight + pod.proxy.breaker.running, all(each.closed for each in made)

    counts, left, closed = run_virtual(main())
    assert counts[:2] == [1, 1]
    assert (left, closed) == (0, True)


class Limits(TypedDict, total=False):
    """Timeouts of a revision."""

    response_start_timeout_seconds: float
    idle_timeout_seconds: float
    timeout_seconds: float


@pytest.mark.parametrize(
    ("limits", "parts", "status", "body", "seconds"),
    [
        ({"response_start_timeout_seconds": 2.0}, (), 504, b"request timeout", 2.0),
        ({"idle_timeout_seconds": 3.0}, (), 504, b"request timeout", 3.0),
        ({"timeout_seconds": 4.0, "idle_timeout_seconds": 9.0}, (), 504, b"request timeout", 4.0),
        ({"response_start_timeout_seconds": 7.0}, ((9.0, b"late"),), 200, b"late", 14.0),
        ({"idle_timeout_seconds": 6.0}, ((5.0, b"a"), (5.0, b"b")), 200, b"ab", 15.0),
        ({"idle_timeout_seconds": 6.0}, ((5.0, b"a"), (7.0, b"b")), 200, b"arequest timeout", 16.0),
        ({"timeout_seconds": 12.0}, ((5.0, b"a"), (5.0, b"b")), 200, b"arequest timeout", 12.0),
    ],
)
def test_each_timeout_ends_a_request_in_its_own_way(
    limits: Limits, parts: tuple[tuple[float, bytes], ...], status: int, body: bytes, seconds: float
) -> None:
    async def main() -> tuple[int, bytes, float]:
        async with stage(seconds=5.0, **limits) as plane:
            await plane.add_pod()
            if parts:
                streaming(plane, *parts)
            plane.direct()
            began = plane.clock.monotonic()
            answer = await whole(await plane.post())
            return answer.status, answer.body, plane.clock.monotonic() - began

    found = run_virtual(main())
    assert found[:2] == (status, body)
    assert found[2] == pytest.approx(seconds)


def test_a_pod_that_dies_breaks_off_what_it_was_sending() -> None:
    async def main() -> tuple[bytes, int]:
        async with stage(seconds=0.1) as plane:
            pod = await plane.add_pod()
            streaming(plane, (1.0, b"a"), (60.0, b"b"))
            plane.direct()
            body = body_of(await plane.post())
            first = await body.read()
            reading = asyncio.create_task(body.read())
            await plane.clock.sleep(1.0)
            await pod.die()
            with pytest.raises(ExchangeError, match="middle of an answer"):
                await reading
            return first, pod.proxy.in_flight

    assert run_virtual(main()) == (b"a", 0)


@asynccontextmanager
async def real() -> AsyncIterator[tuple[Stage, Client, tuple[str, int]]]:
    """A data plane on sockets with one pod, and a client that takes parts."""
    async with asyncio.timeout(60):
        network = SocketNetwork()
        async with stage(seconds=0.0, network=network, clock=RealClock()) as plane:
            listener = await network.serve("ingress:80", plane.ingress.handle)
            await plane.add_pod()
            client = Client(streaming=True)
            host, _, port = listener.bound.partition(":")
            yield plane, client, (host, int(port))
            await client.close()


@pytest.mark.smoke
async def test_on_sockets_a_part_is_there_before_the_next_is_made() -> None:
    async with real() as (plane, client, place):
        ready = asyncio.Event()

        class Waiting:
            def __init__(self) -> None:
                self.parts = [b"x" * 300_000, b"end"]

            async def read(self) -> bytes:
                if len(self.parts) == 1:
                    await ready.wait()
                return self.parts.pop(0) if self.parts else b""

            def close(self) -> None:
                ready.set()

        plane.pods[0].model.answer = lambda: Response(200, (), b"", Waiting())
        body = body_of(await client.call(*place, Request("POST", "/v1/models/m:predict", HOST)))
        got = b""
        while len(got) < 300_000:
            got += await body.read()
        assert not ready.is_set()
        ready.set()
        while part := await body.read():
            got += part
        body.close()
        assert got == b"x" * 300_000 + b"end"
        assert plane.pods[0].proxy.in_flight == 0
        again = await client.call(*place, Request("POST", "/v1/models/m:predict", HOST))
        assert again.status == 200
        body_of(again).close()


@pytest.mark.smoke
async def test_on_sockets_a_reader_that_leaves_ends_the_models_work() -> None:
    async with real() as (plane, client, place):
        closed = asyncio.Event()

        class Endless:
            async def read(self) -> bytes:
                await asyncio.sleep(0.01)
                return b"more"

            def close(self) -> None:
                closed.set()

        plane.pods[0].model.answer = lambda: Response(200, (), b"", Endless())
        body = body_of(await client.call(*place, Request("POST", "/v1/models/m:predict", HOST)))
        await body.read()
        body.close()
        await closed.wait()
        while plane.pods[0].proxy.in_flight:
            await asyncio.sleep(0.01)


@pytest.mark.smoke
async def test_a_websocket_is_refused_in_words() -> None:
    async with real() as (_, _, (host, port)):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(
            f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 501 ")
        assert b"WebSocket connections are not carried" in answer
