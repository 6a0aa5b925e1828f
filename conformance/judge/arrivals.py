"""All arrivals of a recording as one array, and what they amount to per second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge.stairs import Floats
from conformance.recording.reader import LoadFile
from conformance.recording.rows import COLUMNS, RowError, RowFlag

ROWS: Final = np.dtype(list(COLUMNS))
Rows = NDArray[Any]


@dataclass(frozen=True)
class Load:
    """One load step's arrivals."""

    index: int
    plan: dict[str, Any]
    health: tuple[dict[str, Any], ...]
    rows: Rows
    pods: NDArray[Any]
    """Pod name of each row, empty where unknown; texts by reference."""

    @property
    def phases(self) -> tuple[dict[str, Any], ...]:
        """The plan's phases as plain data."""
        return tuple(self.plan.get("phases", ()))

    @property
    def seconds(self) -> float:
        """Length of the plan."""
        return float(sum(phase.get("seconds", 0.0) for phase in self.phases))

    @cached_property
    def start(self) -> float:
        """When the load began."""
        start = self.plan.get("start")
        if start is not None:
            return float(start)
        due = self.rows["scheduled"]
        return float(due.min()) if len(due) else float("nan")

    @cached_property
    def end(self) -> float:
        """When offering ended: the plan's length, or the last row where the plan counts requests."""
        sent = self.rows["sent"][~np.isnan(self.rows["sent"])]
        last = float(sent.max()) if len(sent) else self.start
        return max(self.start + self.seconds, last) if self.seconds else self.last

    @cached_property
    def last(self) -> float:
        """When the last answer came, or waiting for it stopped."""
        ends = self.rows["end"][~np.isnan(self.rows["end"])]
        return float(ends.max()) if len(ends) else self.start


def read(files: Sequence[LoadFile]) -> tuple[Load, ...]:
    """Load files as arrays; WARM rows (sent before the clock started) are left out."""
    found = []
    for file in files:
        # Mapped, not loaded, and names by reference: ten million rows have to fit into a small machine.
        rows: Rows = np.memmap(file.path, ROWS, "r", shape=(file.count,)) if file.count else np.zeros(0, ROWS)
        warm = (rows["flags"] & RowFlag.WARM) != 0
        rows = rows[~warm] if warm.any() else rows.view(np.ndarray)
        names = np.array(["", *file.names], dtype=object)
        pods = names[np.minimum(rows["pod"], len(names) - 1)]
        health = tuple(entry for entry in file.health if "t" in entry)
        found.append(Load(file.index, file.plan, health, rows, pods))
    return tuple(found)


def sent(rows: Rows) -> Rows:
    """Rows that were really sent."""
    found: Rows = rows[~np.isnan(rows["sent"]) & (rows["error"] != RowError.DROPPED)]
    return found


def answered(rows: Rows) -> Rows:
    """Rows with a complete answer 200."""
    found: Rows = rows[(rows["status"] == 200) & (rows["error"] == RowError.NONE)]
    return found


class Occupancy:
    """Time integral of how many intervals are open."""

    def __init__(self, starts: Floats, ends: Floats) -> None:
        self._starts = np.sort(starts)
        self._ends = np.sort(ends)
        self._start_sums = np.concatenate(([0.0], np.cumsum(self._starts)))
        self._end_sums = np.concatenate(([0.0], np.cumsum(self._ends)))

    def until(self, moments: Floats) -> Floats:
        """Interval-seconds spent before each moment."""
        begun = np.searchsorted(self._starts, moments)
        over = np.searchsorted(self._ends, moments)
        return (begun * moments - self._start_sums[begun]) - (over * moments - self._end_sums[over])

    def mean(self, edges: Floats) -> Floats:
        """Mean number open between consecutive edges."""
        return np.diff(self.until(edges)) / np.diff(edges)


class Arrivals:
    """How many events lie before a moment."""

    def __init__(self, times: Floats) -> None:
        self._times = np.sort(times)

    def until(self, moments: Floats) -> Floats:
        """Events before each moment."""
        return np.searchsorted(self._times, moments).astype(np.float64)

    def mean(self, edges: Floats) -> Floats:
        """Events per second between consecutive edges."""
        return np.diff(self.until(edges)) / np.diff(edges)
