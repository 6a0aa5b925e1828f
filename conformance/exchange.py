"""One HTTP exchange as plain values, the same on a socket and inside one process.

The load generator, the embedded platform's hops and the witness speak in these; in virtual time they hand them to each
other directly, in real time an HTTP/1.1 connection carries them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP answer."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The first value of a header given in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class ExchangeError(Exception):
    """No answer: connection refused, reset or cut. `kind` is one of connect, reset, protocol, cut."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


Handler = Callable[[Request], Awaitable[Response]]
"""Anything that answers a request: a hop, a pod, a whole platform. Raises `ExchangeError` when there is no answer.
Cancelling the call means that the client went away."""
