"""One HTTP exchange as plain values, the same on a socket and inside one process.

The load generator, the embedded platform's hops and the witness speak in these; in virtual time they hand them to each
other directly, in real time an HTTP/1.1 connection carries them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Header names are lower case; `host` stands apart because every hop routes by it."""

    method: str
    path: str
    host: str
    headers: Headers = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header given in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def with_headers(self, headers: Headers) -> Request:
        """The same request with other headers; several times faster than `dataclasses.replace`."""
        return Request(self.method, self.path, self.host, headers, self.body)


class BodyStream(Protocol):
    """A body that comes in parts. Whoever holds one must close it, after its end too."""

    async def read(self) -> bytes:
        """The next part; empty at the end. Raises ExchangeError when the rest will not come."""

    def close(self) -> None:
        """End what feeds it. May be called again."""


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer: with its whole body, or with one that is still coming."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    stream: BodyStream | None = field(default=None, repr=False, compare=False)
    """Given, it is the body and `body` is empty."""

    def header(self, name: str) -> str | None:
        """The first value of a header given in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def with_headers(self, headers: Headers) -> Response:
        """The same answer with other headers."""
        return Response(self.status, headers, self.body, self.stream)

    def with_stream(self, stream: BodyStream) -> Response:
        """The same answer with another body, which is still coming."""
        return Response(self.status, self.headers, b"", stream)


async def whole(response: Response) -> Response:
    """The answer with all of its body. Raises ExchangeError when that breaks off."""
    stream = response.stream
    if stream is None:
        return response
    parts = []
    try:
        while part := await stream.read():
            parts.append(part)
    finally:
        stream.close()
    return Response(response.status, response.headers, b"".join(parts))


class ExchangeError(Exception):
    """No answer: connection refused, reset or cut. `kind` is one of connect, reset, protocol, cut."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


Handler = Callable[[Request], Awaitable[Response]]
"""Anything that answers a request: a hop, a pod, a whole platform. Raises `ExchangeError` when there is no answer.
Cancelling the call means that the client went away."""
