"""The live page: cards with pods, requests in flight and panic as they change, and messages below them.

One page for two sources: a run, scenario by scenario (`conformance run --dashboard`), and the embedded platform,
revision by revision (`conformance platform`). It runs in a thread of its own on loopback, apart from the loop that
measures, under a path that only its owner is told. A source calls `tell` with one object at a time, which the page gets
as server-sent events; `t` is seconds since the source began:

    {"kind": "start", "scenarios": [[name, seconds], ...]}      of a run: how many cards there will be
    {"kind": "start", "title", "panic", "window_seconds"}       of another source: its title, what its panic means, and
                                                                how much of the past to draw; cards come and go
    {"kind": "state", "text"}                                   one line about the whole
    {"kind": "update", "name", "t", "phase", "panic", "ready", "pods", "desired", "requested", "in_flight",
     "requests_per_second", "seconds_left", "detail"}           of one card; null or left out where it is not known
    {"kind": "line", "t", "text"}                               a message that stays
    {"kind": "finish", "name", "t", "outcome"}                  of one card
    {"kind": "end"}                                             told by the page's server itself
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route

from conformance.base.locations import ROOT

TEMPLATES: Final = ROOT / "reports" / "templates"
KEPT: Final = 200_000
"""Updates a late visitor still gets: hours of a run with twenty scenarios at once."""
POLL_SECONDS: Final = 0.3
HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class LivePage:
    """The page lives as long as the block. Entering it raises OSError when the port is taken."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._path = f"/{secrets.token_urlsafe(12)}/"
        self._news: deque[str] = deque(maxlen=KEPT)
        self._count = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self.url = ""

    def tell(self, news: Mapping[str, object]) -> None:
        """Pass on one piece of news; called from the loop of its source, so it only stores."""
        line = json.dumps(news, separators=(",", ":"))
        with self._lock:
            self._news.append(line)
            self._count += 1

    def since(self, seen: int) -> tuple[int, list[str]]:
        """How much news there has been, and what of it came after the first `seen`."""
        with self._lock:
            fresh = min(self._count - seen, len(self._news))
            return self._count, list(self._news)[len(self._news) - fresh :] if fresh > 0 else []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", self._port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{self._path}"
        config = uvicorn.Config(self.app(), log_level="error", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="live page", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(5.0)
        if self._socket is not None:
            self._socket.close()

    def app(self) -> Starlette:
        """The page and its stream; only for hosts that are this machine, so that no other site's page can read it."""
        routes = [Route(self._path, self._page), Route(f"{self._path}news", self._stream)]
        application = Starlette(routes=routes)
        application.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        return application

    async def _page(self, request: Request) -> HTMLResponse:
        return HTMLResponse(page(), headers=HEADERS)

    async def _stream(self, request: Request) -> StreamingResponse:
        return StreamingResponse(self._events(), media_type="text/event-stream", headers=HEADERS)

    async def _events(self) -> AsyncIterator[str]:
        seen = 0
        while True:
            seen, lines = self.since(seen)
            for line in lines:
                yield f"data: {line}\n\n"
            if self._closing.is_set():
                yield 'data: {"kind":"end"}\n\n'
                return
            if not lines:
                yield ": still here\n\n"
            await asyncio.sleep(POLL_SECONDS)


def page() -> str:
    """The page with its script and style inside."""

    def read(name: str) -> str:
        return (TEMPLATES / name).read_text(encoding="utf-8")

    return (
        read("live.html")
        .replace("/*STYLE*/", read("vendor/uPlot.min.css"))
        .replace("/*UPLOT*/", read("vendor/uPlot.iife.min.js"))
    )
