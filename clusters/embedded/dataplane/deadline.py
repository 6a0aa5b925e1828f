"""Answering within a revision's timeouts (Knative pkg/http/handler/timeout.go, used by pods and activators alike).

Until an answer begins all three hold, and the shortest ends the request with a 504. Then the time for the whole request
goes on, and the idle time starts anew with each part of a body that comes in parts.

All requests of one revision have the same time, so they run out in the order in which they came: one timer for the
oldest serves all of them, where `asyncio.timeout` would set and cancel one for each request.
"""

from __future__ import annotations

import asyncio
from typing import Final

from clusters.embedded.dataplane.revision import RequestTimeouts
from clusters.embedded.dataplane.streams import Timed
from conformance.base.http.exchange import Handler, Headers, Request, Response

TEXT: Final[Headers] = (("content-type", "text/plain; charset=utf-8"),)


def text_response(status: int, text: str) -> Response:
    """A plain answer as Go's http.Error writes it: with a line end."""
    return Response(status, TEXT, text.encode() + b"\n")


class _Running:
    """A request under way: whose task, until when."""

    __slots__ = ("cancelling", "due", "expired", "task")

    def __init__(self, task: asyncio.Task[object], due: float) -> None:
        self.task = task
        self.due = due
        self.cancelling = task.cancelling()
        self.expired = False


class Deadline:
    """The same limits for many requests, in seconds of the running loop."""

    def __init__(self, timeouts: RequestTimeouts, text: str) -> None:
        """`text`: body of the 504 that a request gets when its time is over."""
        self.timeouts = timeouts
        self.seconds = timeouts.until_begun
        self._text = text.encode()
        self._answer = Response(504, TEXT, self._text)
        self._running: dict[_Running, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def answer(self, handler: Handler, request: Request) -> Response:
        """The handler's answer, or the 504; the handler is cancelled then."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        began = self._loop.time()
        running = _Running(task, began + self.seconds)
        self._running[running] = None
        if self._timer is None:
            self._timer = self._loop.call_at(running.due, self._expire)
        try:
            response = await handler(request)
        except asyncio.CancelledError:
            if running.expired and task.uncancel() <= running.cancelling:
                return self._answer
            raise
        finally:
            del self._running[running]
        if response.stream is None:
            return response
        timeouts = self.timeouts
        timed = Timed(response.stream, began + timeouts.whole_seconds, timeouts.idle_seconds, self._text)
        return response.with_stream(timed)

    def _expire(self) -> None:
        """End what is due and wait for the next; a timer left over from a request that is done comes to nothing."""
        now = self._loop.time()
        self._timer = None
        for running in self._running:
            if running.due > now:
                self._timer = self._loop.call_at(running.due, self._expire)
                return
            if not running.expired:
                running.expired = True
                running.task.cancel()
