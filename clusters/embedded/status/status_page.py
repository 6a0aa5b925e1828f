"""Serves the status page on loopback, under a path that only its owner was told.

The page asks for the state once a second and puts all text in as text, so that nothing in an object's name is markup.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Final

from clusters.embedded.platform import Platform
from clusters.embedded.status.status_history import RevisionSamples
from clusters.embedded.status.status_snapshot import snapshot
from conformance.base.http.exchange import Request, Response
from conformance.base.http.http_server import Server

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
)


def document() -> bytes:
    """The page in one piece."""
    folder = files("clusters.embedded.status")
    text = folder.joinpath("page.html").read_text("utf-8")
    for mark, name in (("/*CSS*/", "page.css"), ("/*JS*/", "page.js")):
        text = text.replace(mark, folder.joinpath(name).read_text("utf-8"))
    return text.encode()


@asynccontextmanager
async def status_page(platform: Platform, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The page's address. Raises OSError when the port is taken."""
    base = f"/{secrets.token_urlsafe(12)}/"
    html = document()
    history = RevisionSamples(platform)

    async def answer(request: Request) -> Response:
        if request.path == base:
            return Response(200, (("content-type", "text/html; charset=utf-8"), *HEADERS), html)
        if request.path == base + "state":
            body = json.dumps(history.add_to(snapshot(platform))).encode()
            return Response(200, (("content-type", "application/json"), *HEADERS), body)
        return Response(404, HEADERS, b"not found\n")

    server = Server(answer)
    await server.listen(host, port)
    following = asyncio.create_task(history.follow())
    try:
        yield f"http://{server.host}:{server.port}{base}"
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await server.close()
