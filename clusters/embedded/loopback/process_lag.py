"""How far the platform's process is behind its own timers.

All of the platform shares one event loop. On a machine without room it is late with everything: answers, reports,
ticks. Nobody may take that for behaviour of the algorithm, so the process tells it, and a judge can allow for it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from conformance.kube.cluster import LOOP_LAG_PATH

BEAT_SECONDS: Final = 0.05
WINDOW_SECONDS: Final = 4.0

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]


class ProcessLag:
    """The lag of the loop it runs in, and the ASGI application that tells it in front of another one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lags: deque[tuple[float, float]] = deque()

    @property
    def lag_seconds(self) -> float:
        """The greatest lag of the last seconds."""
        return max((lag for _, lag in self._lags), default=0.0)

    async def watch(self) -> None:
        """Take the pulse until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            now = loop.time()
            self._lags.append((now, max(0.0, now - due)))
            while self._lags[0][0] < now - WINDOW_SECONDS:
                self._lags.popleft()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != LOOP_LAG_PATH:
            await self._app(scope, receive, send)
            return
        body = json.dumps({"seconds": round(self.lag_seconds, 4)}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def watching(app: App) -> AsyncIterator[ProcessLag]:
    """The application with its pulse taken."""
    vitals = ProcessLag(app)
    beats = asyncio.create_task(vitals.watch())
    try:
        yield vitals
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
