"""An HTTP/1.1 server for one `Handler`.

A connection answers its requests in order, each in a task of its own that is cancelled when the client goes away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, cast

import httptools

from conformance.base.http.exchange import BodyStream, ExchangeError, Handler, Request, Response
from conformance.base.http.http_message import HOP_BY_HOP, LIMIT_BYTES, NAMES, chunked_head, header_name, response_bytes

PIPELINE_LIMIT: Final = 32
"""Requests read ahead on one connection before reading pauses."""
BAD_REQUEST: Final = Response(400, (), b"bad request\n")
TOO_LARGE: Final = Response(413, (), b"request body too large\n")
NO_WEBSOCKET: Final = Response(
    501, (("content-type", "text/plain"),), b"WebSocket connections are not carried here, only requests and answers\n"
)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[tuple[Request, bool, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Event | None = None
        self._reading_paused = False
        self._refused = False
        self._transport: asyncio.Transport
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._url = b""
        self._host = ""
        self._websocket = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, only like them.
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections[self] = None
        if self._server.stopping:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        self._pending.clear()
        if self._writable is not None:
            self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing here speaks another protocol: the request is answered as it stands
        except httptools.HttpParserError:
            self._refuse(BAD_REQUEST)

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    # What the parser calls

    def on_message_begin(self) -> None:
        self._headers = []
        self._body = []
        self._size = 0
        self._url = b""
        self._host = ""
        self._websocket = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key = NAMES.get(name) or header_name(name)
        if key not in HOP_BY_HOP:
            self._headers.append((key, value.decode("latin-1")))
        elif key == "host":
            self._host = value.decode("latin-1")
        elif key == "upgrade":
            self._websocket = value.lower() == b"websocket"
        elif key == "expect" and value.lower() == b"100-continue" and self._task is None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > LIMIT_BYTES:
            self._refuse(TOO_LARGE)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        if self._websocket:
            self._refuse(NO_WEBSOCKET)
            return
        body = self._body
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._url.decode("latin-1"),
            self._host,
            tuple(self._headers),
            body[0] if len(body) == 1 else b"".join(body),
        )
        keep_alive = self._parser.should_keep_alive()
        chunked = self._parser.get_http_version() != "1.0"
        if self._task is None:
            self._task = self._server.loop.create_task(self._answer(request, keep_alive, chunked))
            return
        self._pending.append((request, keep_alive, chunked))
        if len(self._pending) >= PIPELINE_LIMIT and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()

    # Answering

    async def _answer(self, request: Request, keep_alive: bool, chunked: bool) -> None:
        """Answer a request and the ones that came behind it. A handler that fails cuts the connection; its error is
        the task's. `chunked`: whether the client knows bodies in chunks."""
        server, transport = self._server, self._transport
        served = False
        try:
            while True:
                response = await server.handler(request)
                close = not keep_alive or server.stopping
                stream = response.stream
                if stream is None:
                    transport.write(response_bytes(response, close=close, head=request.method == "HEAD"))
                else:
                    close = close or not chunked
                    transport.write(chunked_head(response, close=close, chunked=chunked))
                    await self._pass_on(stream, chunked)
                if close:
                    transport.close()
                    break
                if self._writable is not None:
                    await self._writable.wait()
                if not self._pending:
                    break
                request, keep_alive, chunked = self._next()
            served = True
        except ExchangeError:
            pass  # no answer from further on means none from here
        finally:
            self._task = None
            if not served:
                transport.abort()

    async def _pass_on(self, stream: BodyStream, chunked: bool) -> None:
        """Write a body as it comes, no faster than the client takes it."""
        transport = self._transport
        try:
            while part := await stream.read():
                transport.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
                if self._writable is not None:
                    await self._writable.wait()
            if chunked:
                transport.write(b"0\r\n\r\n")
        finally:
            stream.close()

    def _next(self) -> tuple[Request, bool, bool]:
        if self._reading_paused:
            self._reading_paused = False
            self._transport.resume_reading()
        return self._pending.popleft()

    def _refuse(self, response: Response) -> None:
        """Answer what cannot be read, and hang up."""
        self._refused = True
        if self._task is None:
            self._transport.write(response_bytes(response, close=True))
        self._transport.close()

    # Ending

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The request under way."""
        return self._task

    def close_idle(self) -> None:
        """Hang up unless a request is under way."""
        if self._task is None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()


class Server:
    """A listening socket on one address."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.loop = asyncio.get_running_loop()
        self.connections: dict[Connection, None] = {}
        self.stopping = False
        self.host = ""
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._empty = asyncio.Event()

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start; port 0 takes a free one. Raises OSError when the address cannot be had."""
        self._listener = await self.loop.create_server(lambda: Connection(self), host, port, backlog=1024)
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]

    def forget(self, connection: Connection) -> None:
        """A connection is closed and what was written to it sent."""
        self.connections.pop(connection, None)
        if not self.connections:
            self._empty.set()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for connection in self.connections if (task := connection.task) is not None]

    def _stop_listening(self) -> None:
        self.stopping = True
        if self._listener is not None:
            self._listener.close()

    async def drain(self) -> None:
        """Take no more connections, finish the requests under way, hang up."""
        self._stop_listening()
        for connection in list(self.connections):
            connection.close_idle()
        if self.connections:
            self._empty.clear()
            await self._empty.wait()
        await self.close()

    async def close(self) -> None:
        """Cut every connection and wait for its request's end."""
        self._stop_listening()
        tasks = self._tasks()
        for connection in list(self.connections):
            connection.abort()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        while self.connections:
            await asyncio.sleep(0)
