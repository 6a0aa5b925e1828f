"""The one interface of all load engines: real sockets in a child process, or in process under a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conformance.load.plan import Plan, Target


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load stands, about once a second."""

    seconds: float
    """Since the load's start."""
    sent: int
    answered: int
    errors: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class Offered:
    """What a load came to; the rows hold the rest."""

    start: float
    """Monotonic clock reading at the plan's second 0."""
    end: float
    sent: int
    answered: int
    errors: int
    dropped: int


class Generator(Protocol):
    """Offers a plan to a target and writes `load-INDEX.rows`, `.names` and `.jsonl` into a folder as it goes."""

    async def offer(
        self,
        plan: Plan,
        target: Target,
        folder: Path,
        index: int,
        origin_monotonic: float,
        progress: Callable[[Progress], None] | None = None,
    ) -> Offered:
        """Run the plan to its end. Times in rows count from `origin_monotonic`. Cancelling stops sending, flushes the
        rows and raises CancelledError. Raises HarnessError when the engine itself fails (its child died); an
        unreachable target is not an error but rows that say so."""
