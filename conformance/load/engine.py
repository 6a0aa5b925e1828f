"""Chooses the engine this system can run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from conformance.load.generator import Offered, Progress
from conformance.load.order import Order
from conformance.load.pacing import available
from conformance.load.tape import Tape


class Engine(Protocol):
    """Offers one plan to its end."""

    def prepare(self) -> None:
        """Open connections before the clock starts."""

    def run(self, at: float | None = None) -> Offered:
        """From the start (monotonic seconds) to the end."""


def engine_for(
    order: Order, tape: Tape, stop_fd: int, progress: Callable[[Progress], None] | None, priority: str
) -> Engine:
    """epoll and timerfd where there are any, asyncio elsewhere."""
    kind: Callable[..., Engine]
    if available():
        from conformance.load.epoll import EpollEngine

        kind = EpollEngine
    else:
        from conformance.load.streams import StreamEngine

        kind = StreamEngine
    return kind(
        order.plan,
        order.target,
        tape,
        order.origin,
        shard=order.shard,
        shards=order.shards,
        stop_fd=stop_fd,
        progress=progress,
        priority=priority,
    )
