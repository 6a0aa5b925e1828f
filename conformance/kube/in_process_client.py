"""The api to an ASGI application in the same event loop: no sockets, so it works in virtual time.

A stream ends the way a closed connection would: the application is told `http.disconnect` and then cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from conformance.kube.api_client import Answer
from conformance.kube.verbs import ApiStatus

Message = MutableMapping[str, Any]
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


class InProcessClient:
    """Calls an application with a bearer token."""

    def __init__(self, application: Application, token: str) -> None:
        self._application = application
        self._token = token

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        call = _Call(body or b"")
        headers = [(b"content-type", content_type.encode())] if body is not None else []
        await self._application(self._scope(method, path, query, headers), call.receive, call.send)
        parts = []
        while not call.chunks.empty():
            parts.append(call.chunks.get_nowait() or b"")
        return Answer(call.status, call.headers, b"".join(parts))

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        call = _Call(b"")
        running = asyncio.create_task(self._run(self._scope("GET", path, query, []), call))
        try:
            await call.started.wait()
            if call.status != 200:
                parts = [chunk async for chunk in call.body()]
                raise ApiStatus.of(Answer(call.status, call.headers, b"".join(parts)))
            yield _lines(call.body())
        finally:
            call.gone.set()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self, scope: MutableMapping[str, Any], call: _Call) -> None:
        try:
            await self._application(scope, call.receive, call.send)
        finally:
            call.started.set()
            call.chunks.put_nowait(None)

    def _scope(
        self, method: str, path: str, query: Mapping[str, str] | None, headers: list[tuple[bytes, bytes]]
    ) -> MutableMapping[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(query or {}).encode(),
            "headers": [
                (b"host", b"in-process"),
                (b"accept", b"application/json"),
                (b"user-agent", b"serving-conformance"),
                (b"authorization", f"Bearer {self._token}".encode()),
                *headers,
            ],
            "client": ("127.0.0.1", 0),
            "server": ("in-process", 0),
        }

    async def close(self) -> None:
        """Nothing is held open."""


class _Call:
    """One request as the application sees it."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.status = 0
        self.headers: dict[str, str] = {}
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.started = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            self.started.set()
        elif message["type"] == "http.response.body":
            if message.get("body"):
                self.chunks.put_nowait(bytes(message["body"]))
            if not message.get("more_body"):
                self.gone.set()
                self.chunks.put_nowait(None)

    async def body(self) -> AsyncIterator[bytes]:
        while (chunk := await self.chunks.get()) is not None:
            yield chunk


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
