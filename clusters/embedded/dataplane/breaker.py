"""queue-proxy's breaker: some requests run, some wait, the next is refused at once (Knative pkg/queue/breaker.go)."""

from __future__ import annotations

import asyncio
from collections import deque


class QueueFullError(Exception):
    """Refused: as many requests are running and waiting as may be."""


class Breaker:
    """Slots for running requests and places in a queue before them; first come, first served."""

    def __init__(self, running_limit: int, waiting_limit: int) -> None:
        self.running_limit = running_limit
        self.waiting_limit = waiting_limit
        self.running = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        return self._waiting

    async def enter(self) -> None:
        """Take a slot, waiting for one if need be. Raises QueueFullError. Whoever got in must `leave`."""
        if self.running < self.running_limit:
            self.running += 1
            return
        if self._waiting >= self.waiting_limit:
            raise QueueFullError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            else:
                self._waiting -= 1
            raise

    def leave(self) -> None:
        """Give the slot to the longest waiting request, or back."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                self._waiting -= 1
                turn.set_result(None)
                return
        self.running -= 1
