"""A server that answers like nobody should: without end, with nothing behind the promise, or with bombs.

It speaks plain HTTP on loopback and answers every request in one way, as an API server or as an ingress.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

BLOCK: Final = b"x" * (1 << 18)
Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


def plain(body: bytes, *headers: str, status: str = "200 OK") -> Answering:
    """One answer, whole."""
    head = "".join(f"{line}\r\n" for line in (*headers, f"content-length: {len(body)}"))

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{head}\r\n".encode("latin-1") + body)
        await writer.drain()

    return answer


def without_end(head: bytes, piece: bytes) -> Answering:
    """The same piece again and again for as long as somebody takes it."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return answer


def dripping(head: bytes, piece: bytes) -> Answering:
    """The same piece, five times a second."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.2)

    return answer


@cache
def bomb() -> bytes:
    """200 MiB in a few hundred KiB; a second's work, and so not every worker's that collects tests."""
    return gzip.compress(gzip.compress(bytes(1 << 20), 1) + bytes(200 << 20), 1)


async def packed(writer: asyncio.StreamWriter) -> None:
    """A body packed a thousandfold."""
    await plain(bomb(), "content-encoding: gzip")(writer)


OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"transfer-encoding: chunked\r\n\r\n"
LIST: Final = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"%s},"items":[%s]}'

ANSWERS: Final[Mapping[str, Answering]] = {
    "a body without end": without_end(CHUNKED, b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)),
    "a body larger than any memory": without_end(OK + b"content-length: 1000000000000\r\n\r\n", BLOCK),
    "headers without end": without_end(OK, b"x-more: %s\r\n" % (b"y" * 1000)),
    "one header without end": without_end(OK + b"x-pod: ", BLOCK),
    "informational answers without end": without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a body packed a thousandfold": packed,
    "a body that drips": dripping(CHUNKED, b"1\r\n \r\n"),
    "a head that drips": dripping(OK, b"x"),
    "nothing at all": dripping(b"", b""),
    "no HTTP": plain(b"", status="\x1b[2J\x00"),
    "half an answer": plain(b'{"kind":', "x-pod: a"),
    "not JSON": plain(b"<html>\x1b]0;owned\x07</html>"),
    "nested without end": plain(b"[" * 3_000_000),
    "not a number": plain(LIST % (b"", b'{"metadata":{"uid":"u","generation":NaN}}')),
    "a number beyond a float": plain(LIST % (b"", b'{"metadata":{"uid":"u","generation":1e999}}')),
    "a number of too many digits": plain(LIST % (b"", b'{"metadata":{"uid":"u","generation":%s}}' % (b"9" * 9999))),
    "a list that goes on for ever": plain(LIST % (b',"continue":"more"', b'{"metadata":{"uid":"u"}}')),
    "a list of no objects": plain(LIST % (b"", b'1,"a",null,[]')),
    "a Status that is none": plain(b'{"kind":"Status","details":[1],"message":{}}', status="500 Oops"),
    "elsewhere, to a file": plain(b"", "location: file:///etc/passwd", status="302 Found"),
}


@dataclass
class Hostile:
    """A running server."""

    answering: Answering
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    """What it was asked, heads only."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    """One for each connection."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            self.tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length:
                    await reader.readexactly(int(length[0].split(b":")[1]))
                await self.answering(writer)
        writer.transport.abort()

    def kubeconfig(self, folder: Path) -> str:
        """A kubeconfig that leads here, with a token."""
        path = folder / "kubeconfig"
        path.write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{self.port}'}}}}]\n"
            "users: [{name: u, user: {token: canary-token}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        )
        return str(path)


@asynccontextmanager
async def hostile(answering: Answering) -> AsyncIterator[Hostile]:
    """Serve on loopback while the block runs."""
    made = Hostile(answering)
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0, limit=1 << 20)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
