"""Requests and responses as bytes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from conformance.base.http.exchange import Headers, Request, Response

LIMIT_BYTES: Final = 64 * 1024 * 1024
"""The largest body taken."""

HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
"""Headers of one connection (RFC 9110 section 7.6.1), of the framing, and `host`: not among those of an exchange."""

NAMES: Final[dict[bytes, str]] = {}
"""Header names seen, to their form in lower case; `header_name` fills it."""
NAMES_LIMIT: Final = 1000
_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


def header_name(raw: bytes) -> str:
    """A header name in lower case. Few names occur, so they are remembered."""
    name = raw.decode("latin-1").lower()
    if len(NAMES) < NAMES_LIMIT:
        NAMES[raw] = name
    return name


def request_bytes(request: Request) -> bytes:
    """A request ready to be sent on a connection that stays open."""
    body = request.body
    lines = [f"{request.method} {request.path} HTTP/1.1\r\nhost: {request.host}\r\n"]
    _add(lines, request.headers)
    if body or request.method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
        lines.append(f"content-length: {len(body)}\r\n\r\n")
    else:
        lines.append("\r\n")
    return "".join(lines).encode("latin-1") + body


def response_bytes(response: Response, *, close: bool, head: bool = False) -> bytes:
    """A response ready to be sent; `head` leaves its body out but not the body's length."""
    status, body = response.status, response.body
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Status {status}\r\n"]
    _add(lines, response.headers)
    if close:
        lines.append("connection: close\r\n")
    if status >= 200 and status not in (204, 304):
        lines.append(f"content-length: {len(body)}\r\n\r\n")
    else:
        lines.append("\r\n")
        body = b""
    text = "".join(lines).encode("latin-1")
    return text if head else text + body


def chunked_head(response: Response, *, close: bool, chunked: bool) -> bytes:
    """The head of a response whose body follows: in chunks, or, for clients that know none, until the connection's
    end."""
    status = response.status
    lines = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} Status {status}\r\n"]
    _add(lines, response.headers)
    if close:
        lines.append("connection: close\r\n")
    lines.append("transfer-encoding: chunked\r\n\r\n" if chunked else "\r\n")
    return "".join(lines).encode("latin-1")


def _add(lines: list[str], headers: Headers) -> None:
    for name, value in headers:
        if name not in HOP_BY_HOP:
            lines.append(f"{name}: {value}\r\n")
