"""Bodies that pass through a hop in parts: something is to happen when they end, and they may take only so long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conformance.base.http.exchange import BodyStream, ExchangeError, Response


class Followed:
    """A body after whose end, or whose reader's, something is done once."""

    def __init__(self, inner: BodyStream, then: Callable[[], None]) -> None:
        self._inner = inner
        self._then = then
        self._open = True

    async def read(self) -> bytes:
        try:
            part = await self._inner.read()
        except ExchangeError:
            self.close()
            raise
        if not part:
            self.close()
        return part

    def close(self) -> None:
        if self._open:
            self._open = False
            self._inner.close()
            self._then()


def followed(response: Response, then: Callable[[], None]) -> Response:
    """The answer, with `then` done when it has gone through: now, if it is whole."""
    if response.stream is None:
        then()
        return response
    return response.with_stream(Followed(response.stream, then))


class Timed:
    """A body that must be complete by a time of the loop and may not pause for longer than its idle time.

    The answer has begun, so its status cannot change any more: like Knative's, a body that is too late ends with the
    text that would else have been the 504's.
    """

    def __init__(self, inner: BodyStream, due: float, idle_seconds: float, text: bytes) -> None:
        """An idle time of 0 is none."""
        self._inner = inner
        self._due = due
        self._idle_seconds = idle_seconds
        self._text = text
        self._late = False

    async def read(self) -> bytes:
        if self._late:
            return b""
        limit = self._due
        if self._idle_seconds:
            limit = min(limit, asyncio.get_running_loop().time() + self._idle_seconds)
        try:
            async with asyncio.timeout_at(limit):
                return await self._inner.read()
        except TimeoutError:
            self._late = True
            self._inner.close()
            return self._text

    def close(self) -> None:
        self._inner.close()


class Breakable:
    """A body whose source may die: whoever waits for its next part then learns that."""

    def __init__(self, inner: BodyStream, register: dict[Breakable, None]) -> None:
        """`register` holds the body while it is open."""
        self._inner = inner
        self._register = register
        self._broken = asyncio.Event()
        register[self] = None

    def cut(self) -> None:
        """The source is gone."""
        self._broken.set()
        self.close()

    async def read(self) -> bytes:
        part = asyncio.ensure_future(self._inner.read())
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            await asyncio.wait((part, broken), return_when=asyncio.FIRST_COMPLETED)
            if part.done():
                return part.result()
        finally:
            part.cancel()
            broken.cancel()
            await asyncio.gather(part, broken, return_exceptions=True)
        raise ExchangeError("cut", "connection closed in the middle of an answer")

    def close(self) -> None:
        self._register.pop(self, None)
        self._inner.close()
