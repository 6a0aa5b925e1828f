"""An HTTP/1.1 client that keeps its connections and never sends anything twice."""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools

from conformance.exchange import ExchangeError, Request, Response
from conformance.wire.message import HOP_BY_HOP, LIMIT_BYTES, NAMES, header_name, request_bytes

IDLE_LIMIT: Final = 200
"""Idle connections kept for an address; a burst leaves no more behind."""


class Connection(asyncio.Protocol):
    """One connection; at most one request at a time."""

    def __init__(self, register: dict[Connection, None]) -> None:
        """`register` holds the connection while it is open."""
        self._register = register
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport
        self._head = False
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._begun = False
        self._framed = False
        self._until_close = False
        self.open = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, only like them.
        self._transport = cast(asyncio.Transport, transport)
        self.open = True
        self._register[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._register.pop(self, None)
        if self._answer is None or self._answer.done():
            return
        if self._until_close and exc is None:
            self._finish()
        elif self._begun:
            self._fail("cut", "connection closed in the middle of an answer")
        else:
            self._fail("reset", "connection reset by peer")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail("protocol", f"not an HTTP/1.1 answer: {error}")
            self.abort()

    # What the parser calls

    def on_message_begin(self) -> None:
        self._headers = []
        self._body = []
        self._size = 0
        self._begun = True
        self._framed = False
        self._until_close = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key = NAMES.get(name) or header_name(name)
        if key not in HOP_BY_HOP:
            self._headers.append((key, value.decode("latin-1")))
        elif key in ("content-length", "transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        if self._head:
            # The parser waits for the body that the length announces; none will come.
            self._finish()
            self.close()
        else:
            self._until_close = not self._framed

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > LIMIT_BYTES:
            self._fail("protocol", f"answer larger than {LIMIT_BYTES} bytes")
            self.abort()
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._until_close = False
        if self._parser.get_status_code() >= 200:
            if not self._parser.should_keep_alive():
                self.close()
            self._finish()

    # Exchanges

    def send(self, request: Request) -> asyncio.Future[Response]:
        """Send one request; its answer, or an ExchangeError, is to come."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self._head = request.method == "HEAD"
        self._begun = False
        self._transport.write(request_bytes(request))
        return answer

    def _finish(self) -> None:
        answer = self._answer
        if answer is None or answer.done():
            return
        body = self._body
        answer.set_result(
            Response(
                self._parser.get_status_code(), tuple(self._headers), body[0] if len(body) == 1 else b"".join(body)
            )
        )

    def _fail(self, kind: str, text: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ExchangeError(kind, text))

    def close(self) -> None:
        """Hang up."""
        self.open = False
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self.open = False
        self._transport.abort()


class Client:
    """Connections by address; an idle one is used again, the freshest first."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[Connection]] = {}
        self.connections: dict[Connection, None] = {}
        """Open ones, idle or not."""
        self._closed = False

    async def call(self, host: str, port: int, request: Request) -> Response:
        """Send one request. Raises ExchangeError; cancelling hangs up."""
        idle = self._idle.setdefault((host, port), [])
        while idle:
            connection = idle.pop()
            if connection.open:
                break
        else:
            connection = await self._connect(host, port)
        try:
            response = await connection.send(request)
        except asyncio.CancelledError:
            connection.abort()
            raise
        if connection.open:
            if len(idle) < IDLE_LIMIT:
                idle.append(connection)
            else:
                connection.close()
        return response

    async def _connect(self, host: str, port: int) -> Connection:
        if self._closed:
            raise ExchangeError("connect", "the client is closed")
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: Connection(self.connections), host, port)
        except OSError as error:
            raise ExchangeError("connect", f"dial tcp {host}:{port}: connect: {error.strerror or error}") from error
        return connection

    def forget(self, host: str, port: int) -> None:
        """Close the idle connections to an address that is no more."""
        for connection in self._idle.pop((host, port), ()):
            connection.abort()

    async def close(self) -> None:
        """Cut every connection; requests under way fail with `reset` or `cut`."""
        self._closed = True
        for connection in list(self.connections):
            connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)
