"""The HTTP/1.1 server on real loopback connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from conformance.base.http.exchange import ExchangeError, Handler, Request, Response
from conformance.base.http.http_message import LIMIT_BYTES
from conformance.base.http.http_server import Server

pytestmark = pytest.mark.smoke


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[Server]:
    """A listening server; everything has five seconds."""
    server = Server(handler)
    async with asyncio.timeout(60):
        await server.listen()
        try:
            yield server
        finally:
            await server.close()


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain connection to it."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def echo(request: Request) -> Response:
    return Response(200, (("x-path", request.path),), request.body)


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one answer with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head, await reader.readexactly(length)


async def test_a_request_is_handed_on_with_lower_case_headers_and_its_host_apart() -> None:
    seen: list[Request] = []

    async def note(request: Request) -> Response:
        seen.append(request)
        return Response(204)

    async with served(note) as server, connected(server) as (reader, writer):
        writer.write(b"POST /a/b?c=d HTTP/1.1\r\nHost: m.ns\r\nX-One: 1\r\nContent-Length: 3\r\n\r\nabc")
        head = await reader.readuntil(b"\r\n\r\n")
    assert head == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert seen == [Request("POST", "/a/b?c=d", "m.ns", (("x-one", "1"),), b"abc")]


async def test_a_chunked_body_arrives_whole_however_it_is_cut() -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        for piece in (
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-",
            b"Encoding: chunked\r\n\r\n3\r\nab",
            b"c\r\n2\r\nde\r\n0\r\n\r\n",
        ):
            writer.write(piece)
            await writer.drain()
        assert (await answer(reader))[1] == b"abcde"


async def test_one_connection_serves_many_requests_in_order() -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        for number in range(3):
            writer.write(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
            assert b"x-path: /%d\r\n" % number in (await answer(reader))[0]
        assert len(server.connections) == 1


async def test_pipelined_requests_are_answered_in_order_even_more_than_are_read_ahead() -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number for number in range(200)))
        for number in range(200):
            assert b"x-path: /%d\r\n" % number in (await answer(reader))[0]


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"])
async def test_a_connection_that_is_not_kept_is_closed_after_the_answer(head: bytes) -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        writer.write(head)
        everything = await reader.read()
    assert b"connection: close\r\n" in everything


async def test_a_head_request_gets_the_length_and_no_body() -> None:
    async def fixed(request: Request) -> Response:
        del request
        return Response(200, (), b"12345")

    async with served(fixed) as server, connected(server) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        everything = await reader.read()
    assert b"content-length: 5\r\n" in everything
    assert everything.endswith(b"\r\n\r\n")


async def test_a_client_that_asks_is_told_to_go_on() -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ok")
        assert (await answer(reader))[1] == b"ok"


async def test_what_is_not_http_is_refused() -> None:
    async with served(echo) as server, connected(server) as (reader, writer):
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_body_beyond_the_limit_is_refused() -> None:
    piece = b"x" * (1 << 20)
    async with served(echo) as server, connected(server) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (LIMIT_BYTES * 2))
        sent = 0
        while sent <= LIMIT_BYTES and not reader.at_eof():
            writer.write(piece)
            sent += len(piece)
            await writer.drain()
        assert (await reader.read(12)) == b"HTTP/1.1 413"


async def test_a_client_that_hangs_up_cancels_its_request() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(request: Request) -> Response:
        del request
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    async with served(endless) as server, connected(server) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await begun.wait()
        writer.transport.abort()
        await cancelled.wait()


async def test_no_answer_further_on_cuts_the_connection() -> None:
    async def broken(request: Request) -> Response:
        del request
        raise ExchangeError("reset", "gone")

    async with served(broken) as server, connected(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_a_reader_that_is_slow_gets_everything() -> None:
    large = bytes(range(256)) * 40_000

    async def much(request: Request) -> Response:
        del request
        return Response(200, (), large)

    async with served(much) as server, connected(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 3)
        for _ in range(3):
            _, body = await answer(reader)
            assert body == large


async def test_draining_finishes_what_is_running_and_takes_nothing_new() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await go_on.wait()
        return Response(200, (), request.path.encode())

    async with served(slow) as server, connected(server) as (reader, writer), connected(server) as (idle, _):
        writer.write(b"GET /last HTTP/1.1\r\nHost: h\r\n\r\n")
        await begun.wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(server.drain())
            assert await idle.read() == b""
            with pytest.raises(OSError):
                await asyncio.open_connection(server.host, server.port)
            go_on.set()
        head, body = await answer(reader)
    assert b"connection: close\r\n" in head
    assert body == b"/last"


async def test_closing_cuts_what_is_running() -> None:
    begun = asyncio.Event()

    async def endless(request: Request) -> Response:
        del request
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with served(endless) as server, connected(server) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await begun.wait()
        await server.close()
        assert not server.connections
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_a_port_that_is_taken_is_an_error() -> None:
    async with served(echo) as server:
        with pytest.raises(OSError):
            await Server(echo).listen(server.host, server.port)


class Parts:
    """A body of some parts."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = list(parts)

    async def read(self) -> bytes:
        return self._parts.pop(0) if self._parts else b""

    def close(self) -> None:
        self._parts.clear()


async def test_a_body_in_parts_is_chunked_and_for_an_old_client_ends_with_the_connection() -> None:
    async def handler(_: Request) -> Response:
        return Response(200, (), b"", Parts(b"ab", b"cde"))

    async with served(handler) as server:
        async with connected(server) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n" * 2)
            for _ in range(2):
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"transfer-encoding: chunked" in head
                assert await reader.readuntil(b"0\r\n\r\n") == b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
        async with connected(server) as (reader, writer):
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            assert (await reader.read()).endswith(b"\r\n\r\nabcde")
