"""Chooses the engine this system can run."""

from __future__ import annotations

from typing import Protocol

from conformance.load.generator import Offered, Show
from conformance.load.load_job import Order
from conformance.load.pacing import available
from conformance.load.row_writer import Tape

NO_STOP_FD = -1


class Engine(Protocol):
    """Offers one plan to its end."""

    def prepare(self) -> None:
        """Open connections before the clock starts."""

    def run(self, at: float | None = None) -> Offered:
        """From the start (monotonic seconds; by default at once) to the end. The tape stays open."""


def engine_for(order: Order, tape: Tape, progress: Show | None = None, *, stop_fd: int = NO_STOP_FD) -> Engine:
    """epoll and timerfd where there are any, asyncio elsewhere. `order.priority` is what the scheduler has granted;
    `stop_fd` ends the load when it becomes readable: a word, or the end of a pipe."""
    if available():
        from conformance.load.epoll import EpollEngine

        return EpollEngine(order, tape, progress, stop_fd=stop_fd)
    from conformance.load.streams import StreamEngine

    return StreamEngine(order, tape, progress, stop_fd=stop_fd)
