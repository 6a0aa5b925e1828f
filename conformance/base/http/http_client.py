"""An HTTP/1.1 client that keeps its connections and never sends anything twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

import httptools

from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.base.http.http_message import HOP_BY_HOP, LIMIT_BYTES, NAMES, header_name, request_bytes

IDLE_LIMIT: Final = 200
MAX_HEAD_BYTES: Final = 1 << 20
"""Of one answer, and of answers in one piece whose bodies are short."""
"""Idle connections kept for an address; a burst leaves no more behind."""
AHEAD_BYTES: Final = 256 * 1024
"""What is read of a streamed body ahead of whoever reads it."""


class Arriving:
    """A body in parts as they come from a connection."""

    def __init__(self, connection: Connection, first: list[bytes]) -> None:
        self._connection = connection
        self._parts = list(first)
        self._size = sum(map(len, first))
        self._more: asyncio.Future[None] | None = None
        self._error: ExchangeError | None = None
        self._ended = False

    def feed(self, part: bytes) -> None:
        """A part came."""
        self._parts.append(part)
        self._size += len(part)
        if self._size > AHEAD_BYTES:
            self._connection.pause()
        self._wake()

    def end(self, error: ExchangeError | None = None) -> None:
        """No more will come; with `error`, more should have."""
        self._ended, self._error = True, error
        self._wake()

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    async def read(self) -> bytes:
        while not self._parts:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self._more = asyncio.get_running_loop().create_future()
            await self._more
        found = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        if self._size > AHEAD_BYTES:
            self._connection.resume()
        self._size = 0
        return found

    def close(self) -> None:
        """Hang up unless all has come."""
        if not self._ended:
            self._ended = True
            self._connection.abort()


class Connection(asyncio.Protocol):
    """One connection; at most one request at a time."""

    def __init__(self, register: dict[Connection, None], streaming: bool = False) -> None:
        """`register` holds the connection while it is open. `streaming`: hand on answers of unknown length as soon as
        their head is there."""
        self._streaming = streaming
        self._arriving: Arriving | None = None
        self._headed = False
        self._sized = False
        self.when_free: Callable[[], None] | None = None
        """Called when a streamed answer has come whole."""
        self._register = register
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._transport: asyncio.Transport
        self._head = False
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._head_size = 0
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
        if self._arriving is not None:
            whole = self._until_close and exc is None
            self._arriving.end(None if whole else ExchangeError("cut", "connection closed in the middle of an answer"))
            self._arriving = None
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
            return
        if not self._headed:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD_BYTES:
                self._fail("protocol", f"a head of more than {MAX_HEAD_BYTES} bytes")
                self.abort()
                return
        if self._streaming and self._headed and not self._sized and self._arriving is None:
            self._hand_on()

    def _hand_on(self) -> None:
        """The head is there and the end is not: the answer is one that streams."""
        answer = self._answer
        if answer is None or answer.done():
            return
        self._arriving = Arriving(self, self._body)
        self._body = []
        answer.set_result(Response(self._parser.get_status_code(), tuple(self._headers), b"", self._arriving))

    def pause(self) -> None:
        """Take no more from the other side for now."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Go on taking."""
        if self.open:
            self._transport.resume_reading()

    # What the parser calls

    def on_message_begin(self) -> None:
        self._headers = []
        self._body = []
        self._size = 0
        self._begun = True
        self._framed = self._sized = self._headed = False
        self._until_close = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key = NAMES.get(name) or header_name(name)
        if key not in HOP_BY_HOP:
            self._headers.append((key, value.decode("latin-1")))
        elif key in ("content-length", "transfer-encoding"):
            self._framed = True
            self._sized = self._sized or key == "content-length"

    def on_headers_complete(self) -> None:
        self._head_size = 0
        if self._head:
            # The parser waits for the body that the length announces; none will come.
            self._finish()
            self.close()
        else:
            self._until_close = not self._framed
            self._headed = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        if self._arriving is not None:
            self._arriving.feed(body)
            return
        self._size += len(body)
        if self._size > LIMIT_BYTES:
            self._fail("protocol", f"answer larger than {LIMIT_BYTES} bytes")
            self.abort()
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        self._until_close = self._headed = False
        if self._parser.get_status_code() >= 200:
            if not self._parser.should_keep_alive():
                self.close()
            if self._arriving is None:
                self._finish()
                return
            self._arriving.end()
            self._arriving = None
            if self.when_free is not None:
                self.when_free()
                self.when_free = None

    # Exchanges

    @property
    def streams(self) -> bool:
        """An answer is being handed on that has not come whole."""
        return self._arriving is not None

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

    def __init__(self, *, streaming: bool = False) -> None:
        """`streaming`: answers of unknown length come with a `stream`; else every answer comes whole."""
        self._streaming = streaming
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
        if connection.streams:
            connection.when_free = lambda: self._give_back(idle, connection)
        else:
            self._give_back(idle, connection)
        return response

    def _give_back(self, idle: list[Connection], connection: Connection) -> None:
        if connection.open:
            if len(idle) < IDLE_LIMIT:
                idle.append(connection)
            else:
                connection.close()

    async def _connect(self, host: str, port: int) -> Connection:
        if self._closed:
            raise ExchangeError("connect", "the client is closed")
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(
                lambda: Connection(self.connections, self._streaming), host, port
            )
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
