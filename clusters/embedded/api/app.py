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

import yaml

from clusters.embedded.api import protobuf_encoding
from clusters.embedded.api.auth import Tokens
from clusters.embedded.api.exchange import CACHE_PRIVATE, Call, Reply, compact, ordered
from clusters.embedded.api.hooks import Hooks
from clusters.embedded.api.media import PROTOBUF, Form, negotiate
from clusters.embedded.api.protobuf_encoding import encodable
from clusters.embedded.api.server import Server
from clusters.embedded.api.status import ApiError
from clusters.embedded.api.store import Store

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_HARD_LIMIT: Final = 8 * 1024 * 1024
GZIP_FROM_BYTES: Final = 128 * 1024


class Application:
    """ASGI entry: reads requests, lets the server answer, writes answers."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.server.websocket(scope, receive, send)

    async def _http(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        call = _call(scope)
        call.body = await _body(receive)
        reply = await self.server.answer(call)
        if reply.stream is not None:
            await _send_stream(reply, call, receive, send)
            return
        await _send(reply, call, send)


def create_app(store: Store, tokens: Tokens, hooks: Hooks | None = None) -> Application:
    """An API server over a store. Tokens may be added later; hooks too."""
    return Application(Server(store, tokens, hooks or Hooks()))


def _call(scope: MutableMapping[str, Any]) -> Call:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    raw = scope.get("raw_path") or scope["path"].encode()
    path = unquote(raw.decode("latin-1").partition("?")[0])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return Call(scope["method"], path, query, headers)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body") or b""
        size += len(part)
        if size <= BODY_HARD_LIMIT:
            parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def encode(reply: Reply, form: Form) -> tuple[bytes, str]:
    """Body and content type of a value."""
    value = reply.value
    if form.is_protobuf and encodable(value):
        return protobuf_encoding.encode(value), PROTOBUF
    if not reply.custom and isinstance(value, dict) and "metadata" in value and value.get("kind") != "Status":
        value = ordered(value)
    if form.is_yaml:
        text = yaml.safe_dump(value, sort_keys=True, default_flow_style=False, allow_unicode=True, width=1 << 20)
        return text.encode(), "application/yaml"
    if form.pretty:
        import json

        text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=reply.custom)
        return text.encode() + (b"\n" if reply.custom else b""), "application/json"
    return compact(value, custom=reply.custom) + b"\n", "application/json"


def render(reply: Reply, call: Call) -> tuple[bytes, str]:
    """The body of a finished answer and its type; a client that accepts nothing we make gets JSON."""
    if reply.raw is not None:
        return reply.raw, reply.content_type
    try:
        form = negotiate(
            call, custom=reply.custom, shapes=("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
        )
    except ApiError:
        form = Form()
    return encode(reply, form)


def _headers(reply: Reply, call: Call, content_type: str) -> list[tuple[bytes, bytes]]:
    pairs = [("cache-control", CACHE_PRIVATE)] if "cache-control" not in reply.headers else []
    if content_type:
        pairs.append(("content-type", content_type))
    pairs += list(reply.headers.items())
    pairs += [("warning", f"299 - {_quoted(text)}") for text in call.warnings]
    return [(name.encode(), value.encode("utf-8", "replace")) for name, value in pairs if value]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _send(reply: Reply, call: Call, send: Send) -> None:
    body, content_type = render(reply, call)
    headers = _headers(reply, call, content_type)
    if len(body) > GZIP_FROM_BYTES and "gzip" in call.header("accept-encoding") and reply.raw is None:
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if call.method == "HEAD" else body})


async def _send_stream(reply: Reply, call: Call, receive: Receive, send: Send) -> None:
    """Write until the stream ends or the client goes; either way the stream is closed before this returns."""
    assert reply.stream is not None
    headers = _headers(reply, call, reply.content_type)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    pump = asyncio.ensure_future(_pump(reply.stream, send))
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


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
