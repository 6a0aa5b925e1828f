"""The HTTP/1.1 client against servers that behave and servers that do not, on real loopback connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from conformance.base.http.exchange import ExchangeError, Request, Response, whole
from conformance.base.http.http_client import IDLE_LIMIT, Client
from conformance.base.http.http_server import Server

pytestmark = pytest.mark.smoke

REQUEST = Request("POST", "/p", "h", (("x-one", "1"),), b"body")
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[tuple[Client, str, int]]:
    """A client and a server that does what the script says on each connection."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    client = Client()
    async with asyncio.timeout(60):
        try:
            yield client, *server.sockets[0].getsockname()
        finally:
            await client.close()
            server.close()


async def take(reader: asyncio.StreamReader) -> bytes:
    """The head and the four bytes of one `REQUEST`."""
    return await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(4)


def replying(text: bytes, *, times: int = 1) -> Script:
    """Answers each of `times` requests with these bytes, then hangs up."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            await take(reader)
            writer.write(text)
            await writer.drain()

    return script


async def test_a_request_is_sent_as_it_is() -> None:
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await take(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async with scripted(script) as (client, host, port):
        await client.call(host, port, REQUEST)
    assert seen == [b"POST /p HTTP/1.1\r\nhost: h\r\nx-one: 1\r\ncontent-length: 4\r\n\r\nbody"]


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nabc",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["length", "chunked", "until close", "after continue"],
)
async def test_every_framing_of_an_answer_is_understood(text: bytes) -> None:
    async with scripted(replying(text)) as (client, host, port):
        assert await client.call(host, port, REQUEST) == Response(200, (("x-a", "b"),), b"abc")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "cut"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", "cut"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab", "cut"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "protocol"),
    ],
)
async def test_a_missing_answer_is_told_from_a_broken_one(text: bytes, kind: str) -> None:
    async with scripted(replying(text)) as (client, host, port):
        with pytest.raises(ExchangeError) as caught:
            await client.call(host, port, REQUEST)
    assert caught.value.kind == kind


async def test_nobody_listening_is_a_refused_connection() -> None:
    server = Server(lambda request: pytest.fail(str(request)))
    await server.listen()
    await server.close()
    with pytest.raises(ExchangeError) as caught:
        await Client().call(server.host, server.port, REQUEST)
    assert caught.value.kind == "connect"


async def test_a_connection_is_used_again_and_a_dead_one_is_not() -> None:
    connections = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await replying(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", times=2)(reader, writer)

    async with scripted(script) as (client, host, port):
        for _ in range(2):
            await client.call(host, port, REQUEST)
        assert connections == 1
        while client.connections:  # the server hangs up after the second answer
            await asyncio.sleep(0)
        await client.call(host, port, REQUEST)
        assert connections == 2


async def test_a_burst_leaves_a_bounded_number_of_connections_behind() -> None:
    async def echo(request: Request) -> Response:
        return Response(200, (), request.body)

    server, client = Server(echo), Client()
    async with asyncio.timeout(60):
        await server.listen()
        await asyncio.gather(*(client.call(server.host, server.port, REQUEST) for _ in range(IDLE_LIMIT + 50)))
        while len(client.connections) > IDLE_LIMIT:
            await asyncio.sleep(0)
        assert len(client.connections) == IDLE_LIMIT
        await client.close()
        await server.close()


async def test_an_answer_that_closes_is_not_followed_by_another_request() -> None:
    answers = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with scripted(replying(answers)) as (client, host, port):
        for _ in range(3):
            assert (await client.call(host, port, REQUEST)).status == 200


async def test_a_head_request_does_not_wait_for_a_body() -> None:
    async def fixed(request: Request) -> Response:
        return Response(200, (("x-method", request.method),), b"12345")

    server, client = Server(fixed), Client()
    async with asyncio.timeout(60):
        await server.listen()
        for _ in range(2):
            answer = await client.call(server.host, server.port, Request("HEAD", "/", "h"))
            assert answer == Response(200, (("x-method", "HEAD"),))
        await client.close()
        await server.close()


async def test_cancelling_a_call_is_seen_by_the_server() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(request: Request) -> Response:
        del request
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    server, client = Server(endless), Client()
    async with asyncio.timeout(60):
        await server.listen()
        call = asyncio.create_task(client.call(server.host, server.port, REQUEST))
        await begun.wait()
        call.cancel()
        await cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
        await client.close()
        await server.close()


async def test_a_streaming_client_hands_on_an_answer_of_unknown_length_at_its_head() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for text in (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"):
            await take(reader)
            writer.write(text)
            await writer.drain()
            await reader.readexactly(0)
            writer.write(b"2\r\nab\r\n0\r\n\r\n" if b"chunked" in text else b"until the end")
            await writer.drain()

    async with scripted(script) as (_, host, port):
        client = Client(streaming=True)
        for body in (b"ab", b"until the end"):
            response = await client.call(host, port, REQUEST)
            assert (await whole(response)).body == body
        await client.close()


async def test_a_streamed_answer_that_breaks_off_is_cut() -> None:
    async with scripted(replying(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n")) as (
        _,
        host,
        port,
    ):
        client = Client(streaming=True)
        response = await client.call(host, port, REQUEST)
        assert response.stream is not None
        assert await response.stream.read() == b"ab"
        with pytest.raises(ExchangeError) as broken:
            await response.stream.read()
        assert broken.value.kind == "cut"
        await client.close()
