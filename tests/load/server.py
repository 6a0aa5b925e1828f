"""A small HTTP/1.1 server that misbehaves on request: the path says how."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Pod: pod-a\r\nX-In-Flight: 3\r\nX-High-Water: 4\r\n"
    b"X-Model-Ms: 1.5\r\n\r\nok"
)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
FIXED = {
    "/ok": OK,
    "/chunked": CHUNKED + b"x-pod: pod-b\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
    "/busy": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "/two": OK + OK,
    "/excess": OK + b"garbage",
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "/garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
}
CLOSING = {
    "/reset": b"",
    "/answer-and-close": OK,
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    "/cut-chunk": CHUNKED + b"\r\nff\r\nonly this",
    "/until-close": b"HTTP/1.1 200 OK\r\nx-pod: pod-c\r\n\r\nall of this",
    "/close": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
}


def stamped(head: str, body: bytes, wrong: str = "") -> bytes:
    """An answer as a model stamps it that speaks of itself, or with one thing wrong."""
    number = int(head.partition("x-request-id: ")[2].partition("\r\n")[0])
    name = {"/other": str(number + 1), "/renamed": "7f3e-a1"}.get(wrong, str(number))
    given = zlib.crc32(b"else" if wrong == "/input" else body)
    hop = " predictor" if wrong == "/hop" else ""
    stamp = f"x-witness: {name} {given:08x} {zlib.crc32(b'ok'):08x}{hop}\r\n".encode()
    if wrong == "/chunked":
        return CHUNKED + stamp + b"\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
    text = {"/empty": b"", "/changed": b"ko"}.get(wrong, b"ok")
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nx-pod: pod-a\r\n" % len(text) + stamp + b"\r\n" + text


@dataclass
class Seen:
    """What the server was sent."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def requests(self, count: int) -> None:
        """Return once this many have arrived."""
        while len(self.heads) < count:
            self.more.clear()
            await self.more.wait()


@asynccontextmanager
async def serving(*, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Seen]:
    """Listen on a free port until the block ends."""
    seen = Seen()
    writers: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while await _serve(reader, writer, seen):
                pass
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=tls, limit=1 << 20)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> bool:
    """Answer one request; whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
    path = lines[0].split()[1]
    if path == "/slow-reader":
        await asyncio.sleep(0.1)
    seen.heads.append(head)
    if path == "/early":
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        return False
    seen.bodies.append(await reader.readexactly(length))
    seen.more.set()
    if path in CLOSING:
        writer.write(CLOSING[path])
        return False
    if path.startswith("/delay/"):
        await asyncio.sleep(float(path.split("/")[2]))
        writer.write(OK)
    elif path == "/split":
        for part in (OK[:7], OK[7:40], OK[40:-1], OK[-1:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.005)
    elif path == "/stall":
        writer.write(OK[:-1])
        await asyncio.sleep(5)
    elif path == "/large":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000)
    elif path == "/kept":
        writer.write(stamped(seen.heads[0], seen.bodies[0]))
    elif path.startswith("/stamped"):
        writer.write(stamped(head, seen.bodies[-1], path.removeprefix("/stamped")))
    else:
        writer.write(FIXED.get(path, OK))
    await writer.drain()
    return True
