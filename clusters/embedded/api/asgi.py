"""The API server as an ASGI application.

Plain ASGI, no threads and no sockets of its own: under uvicorn it is a server, called directly in a virtual event loop
it is the same server without the network.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.auth import Tokens
from clusters.embedded.api.content_negotiation import LIST_SHAPES, OBJECT_SHAPES, Form, encode, negotiate
from clusters.embedded.api.handlers import Server
from clusters.embedded.api.request import Request, Response
from clusters.embedded.api.store import Store

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_HARD_LIMIT_BYTES: Final = 8 * 1024 * 1024
GZIP_FROM_BYTES: Final = 128 * 1024


class Application:
    """ASGI entry, HTTP alone: reads requests, lets the server answer, writes answers."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = _request(scope)
        request.body = await _body(receive)
        response = await self.server.answer(request)
        if response.stream is None:
            await _send(response, request, send)
        else:
            await _send_stream(response.stream, response, request, receive, send)


def create_app(store: Store, tokens: Tokens, hooks: Hooks | None = None) -> Application:
    """An API server over a store. Tokens may be added later; hooks too."""
    return Application(Server(store, tokens, hooks or Hooks()))


def _request(scope: MutableMapping[str, Any]) -> Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    raw = scope.get("raw_path") or scope["path"].encode()
    path = unquote(raw.decode("latin-1").partition("?")[0])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return Request(scope["method"], path, query, headers)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body") or b""
        size += len(part)
        if size <= BODY_HARD_LIMIT_BYTES:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _encoded(response: Response, request: Request) -> tuple[bytes, str]:
    """The body and its type; a client that accepts nothing we make gets JSON."""
    if response.raw is not None:
        return response.raw, response.content_type
    try:
        form = negotiate(request, (*OBJECT_SHAPES, *LIST_SHAPES))
    except ApiError:
        form = Form()
    return encode(response.value, form)


def _headers(response: Response, request: Request, content_type: str) -> list[tuple[bytes, bytes]]:
    pairs = [("cache-control", "no-cache, private")] if "cache-control" not in response.headers else []
    if content_type:
        pairs.append(("content-type", content_type))
    pairs += list(response.headers.items())
    pairs += [("warning", f"299 - {_quoted(text)}") for text in request.warnings]
    return [(name.encode(), value.encode("utf-8", "replace")) for name, value in pairs if value]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _send(response: Response, request: Request, send: Send) -> None:
    body, content_type = _encoded(response, request)
    headers = _headers(response, request, content_type)
    if len(body) > GZIP_FROM_BYTES and "gzip" in request.header("accept-encoding") and response.raw is None:
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


async def _send_stream(
    stream: AsyncIterator[bytes], response: Response, request: Request, receive: Receive, send: Send
) -> None:
    """Write until the stream ends or the client goes; either way the stream is closed before this returns."""
    headers = _headers(response, request, response.content_type)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    pump = asyncio.ensure_future(_pump(stream, send))
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((pump, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pump, gone):
            task.cancel()
        await asyncio.gather(pump, gone, return_exceptions=True)


async def _pump(stream: AsyncIterator[bytes], send: Send) -> None:
    try:
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async for piece in stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
