"""Chooses the engine this system can run."""

from __future__ import annotations

from typing import Protocol

from conformance.load.generator import Offered, Show
from conformance.load.load_job import LoadJob
from conformance.load.pacing import available
from conformance.load.row_writer import RowWriter

NO_STOP_FD = -1


class Engine(Protocol):
    """Offers one plan to its end."""

    def prepare(self) -> None:
        """Open connections before the clock starts."""

    def run(self, at: float | None = None) -> Offered:
        """From the start (monotonic seconds; by default at once) to the end. The writer stays open."""


def engine_for(order: LoadJob, writer: RowWriter, progress: Show | None = None, *, stop_fd: int = NO_STOP_FD) -> Engine:
    """epoll and timerfd where there are any, asyncio elsewhere. `order.priority` is what the scheduler has granted;
    `stop_fd` ends the load when it becomes readable: a word, or the end of a pipe."""
    if available():
        from conformance.load.epoll import EpollEngine

        return EpollEngine(order, writer, progress, stop_fd=stop_fd)
    from conformance.load.streams import StreamEngine

    return StreamEngine(order, writer, progress, stop_fd=stop_fd)
