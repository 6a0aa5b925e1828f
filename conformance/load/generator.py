"""The one interface of all load engines: real sockets in a child process, or in process under a virtual clock.

All of them leave the same files. `load-N.jsonl` holds one object a line; times are seconds from the recording's origin:

    first    {"plan": {...LoadPlan.body(), "start": t}, "engine": {name, processes, priority, ...}}
    a second {"t",
              "scheduled", "sent", "answered", "errors", "cap_hits", "missed_ticks",     totals since the load's start
              "in_flight",                                                               at `t`
              "lag_p50_seconds", "lag_p99_seconds", "loop_lag_seconds", "cpu_share", "vigil_share",
              "steal_share", "involuntary_switches"}                                     of the second that ended at `t`
    last     {"summary": {"start", "end", "stopped", the totals, "peak_in_flight", "causes": {"class: text": count}}}

scheduled  arrivals that fell due: sent + cap_hits
sent       requests written, or whose connection was tried
errors     rows with an error class other than dropped
cap_hits   arrivals that were never tried because `max_in_flight` or a limit of this machine (open files, ports) was
           reached; each is a DROPPED row
missed_ticks  ticks of paced workers (salvo) that found their worker still busy with one tick waiting, which is the
           server's doing
lag        how late the generator got round to an arrival that fell due by the clock (open loops, salvo ticks of free
           workers). Connecting is not part of it, closed loops have none
loop_lag_seconds  the latest of twenty wake-ups a second that the engine asks for, by how much it came late
cpu_share  of one core, all of the process's threads, work alone; steal_share of the whole machine
vigil_share  of one core: spinning until something falls due; real time only
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conformance.load.load_plan import LoadPlan, Target


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Where a load stands, about once a second."""

    seconds: float
    """Since the load's start."""
    sent: int
    answered: int
    errors: int
    in_flight: int


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load came to; the rows hold the rest."""

    start: float
    """Monotonic clock reading at the plan's second 0."""
    end: float
    sent: int
    answered: int
    errors: int
    dropped: int


OnLoadProgress = Callable[[LoadProgress], None]
"""Told about once a second where a load stands."""


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """What is offered to whom, and where its files go."""

    plan: LoadPlan
    target: Target
    folder: Path
    index: int
    """Of the load step within its recording."""
    origin_monotonic: float
    """The monotonic clock's reading at the recording's second 0."""


class Generator(Protocol):
    """Offers a load and writes `load-INDEX.rows`, `.names` and `.jsonl` into its folder as it goes."""

    async def offer(self, load: LoadSpec, progress: OnLoadProgress | None = None) -> LoadResult:
        """Run the plan to its end. Times in rows count from the load's origin. Cancelling stops sending, flushes the
        rows and raises CancelledError. Raises LoadError when the engine itself fails (its child died); an
        unreachable target is not an error but rows that say so."""
