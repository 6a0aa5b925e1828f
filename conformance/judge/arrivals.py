"""All arrivals of a recording as one array, and what they amount to per second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from conformance.judge.mapped_rows import PIECE_ROWS, MappedRows
from conformance.judge.step_function import Floats
from conformance.recording.load_lines import GeneratorSecond, RecordedPhase, RecordedPlan
from conformance.recording.reader import LoadFile
from conformance.recording.rows import COLUMNS, RowError, RowFlag

ROWS: Final = np.dtype(list(COLUMNS))
Rows: TypeAlias = Any
"""An array of `conformance.recording.rows.ROWS`. numpy knows no types of columns, and what mypy may choose between for
each operation on one of any type multiplies: half of its time went there."""
STRIDE: Final = 64


@dataclass(frozen=True)
class Load:
    """One load step's arrivals."""

    index: int
    plan: RecordedPlan
    health: tuple[GeneratorSecond, ...]
    """The generator's own figures, one a second, in order."""
    rows: Rows
    names: NDArray[Any]
    """Texts: the pod of a row is `names[row["pod"]]`, the first of them empty for unknown."""
    file: LoadFile | None = None
    """Where it was read, with the lines about the generator; None for a load that no recording holds."""

    @property
    def pods(self) -> NDArray[Any]:
        """Pod name of each row, empty where unknown; made anew each time, since millions of references are large."""
        found: NDArray[Any] = self.names[self._codes(self.rows)]
        return found

    def served_by(self, *pods: str, rows: Rows | None = None) -> NDArray[np.bool_]:
        """Which rows (of the load, or of a part of it) these pods served; the empty name stands for unknown."""
        codes = np.flatnonzero(np.isin(self.names, np.array(pods, dtype=object)))
        found: NDArray[np.bool_] = np.isin(self._codes(self.rows if rows is None else rows), codes)
        return found

    def _codes(self, rows: Rows) -> NDArray[Any]:
        found: NDArray[Any] = np.minimum(rows["pod"], np.uint32(len(self.names) - 1))
        return found

    @property
    def phases(self) -> tuple[RecordedPhase, ...]:
        """The plan's phases."""
        return self.plan.phases

    @property
    def seconds(self) -> float:
        """Length of the plan."""
        return float(sum(phase.seconds for phase in self.phases))

    @cached_property
    def start(self) -> float:
        """When the load began."""
        if self.plan.start is not None:
            return float(self.plan.start)
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
        rows = _without_warm(_rows(file))
        names = np.array(["", *file.names], dtype=object)
        found.append(Load(file.index, file.plan, file.seconds, rows, names, file))
    return tuple(found)


def _rows(file: LoadFile) -> Rows:
    """In memory where they are few, since everything is quicker with a plain array."""
    if file.count > PIECE_ROWS:
        return MappedRows(file.path, ROWS, "r", shape=(file.count,))
    return np.fromfile(file.path, ROWS, file.count)


def _without_warm(rows: Rows) -> Rows:
    warm = (rows["flags"] & RowFlag.WARM) != 0
    count = int(warm.sum())
    # Sent before all others, they ended first as a rule: a view on what follows them takes no memory.
    return rows[count:] if warm[:count].all() else rows[~warm]


def sent(rows: Rows) -> Rows:
    """Rows that were really sent."""
    found: Rows = rows[~np.isnan(rows["sent"]) & (rows["error"] != RowError.DROPPED)]
    return found


def answered(rows: Rows) -> Rows:
    """Rows with a complete answer 200."""
    found: Rows = rows[(rows["status"] == 200) & (rows["error"] == RowError.NONE)]
    return found


class _Sums:
    """Sums of the first values of an array. Only every STRIDE-th is kept; those between are added when asked for, one
    after the other, so that they are the same to the last bit."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        kept = [np.zeros(1)]
        carried = 0.0
        for begin in range(0, len(values) - len(values) % STRIDE, STRIDE * 1024):
            part = values[begin : min(begin + STRIDE * 1024, len(values) - len(values) % STRIDE)].copy()
            part[0] += carried
            sums = np.cumsum(part)[STRIDE - 1 :: STRIDE]
            carried = sums[-1]
            kept.append(sums)
        self._kept = np.concatenate(kept)

    def of_first(self, counts: NDArray[np.int64]) -> Floats:
        """Sum of the first `count` values, for each count."""
        if not len(self._values):
            return np.zeros(counts.shape)
        return self._of_first(counts.ravel()).reshape(counts.shape)

    def _of_first(self, counts: NDArray[np.int64]) -> Floats:
        found = np.empty(len(counts))
        steps = np.arange(STRIDE)
        for begin in range(0, len(counts), 4096):
            count = counts[begin : begin + 4096]
            block, rest = count // STRIDE, count % STRIDE
            places = np.minimum(block[:, None] * STRIDE + steps, len(self._values) - 1)
            terms = np.concatenate((self._kept[block][:, None], self._values[places]), axis=1)
            found[begin : begin + 4096] = np.cumsum(terms, axis=1)[np.arange(len(count)), rest]
        return found


class Occupancy:
    """Time integral of how many intervals are open."""

    def __init__(self, starts: Floats, ends: Floats) -> None:
        self._starts = ascending(starts)
        self._ends = ascending(ends)
        self._start_sums = _Sums(self._starts)
        self._end_sums = _Sums(self._ends)

    def until(self, moments: Floats) -> Floats:
        """Interval-seconds spent before each moment."""
        begun = np.searchsorted(self._starts, moments)
        over = np.searchsorted(self._ends, moments)
        return (begun * moments - self._start_sums.of_first(begun)) - (over * moments - self._end_sums.of_first(over))

    def between(self, starts: Floats, ends: Floats) -> Floats:
        """Interval-seconds spent from each start to its end: exactly zero where nothing was open, since differences of
        large sums leave a residue that would count as load."""
        begun = np.searchsorted(self._starts, starts)
        empty = (begun == np.searchsorted(self._ends, starts)) & (begun == np.searchsorted(self._starts, ends))
        spent = np.maximum(0.0, self.until(ends) - self.until(starts))
        return np.where(empty, 0.0, spent)

    def mean(self, edges: Floats) -> Floats:
        """Mean number open between consecutive edges."""
        return self.between(edges[:-1], edges[1:]) / np.diff(edges)


class Arrivals:
    """How many events lie before a moment."""

    def __init__(self, times: Floats) -> None:
        self._times = ascending(times)

    def until(self, moments: Floats) -> Floats:
        """Events before each moment."""
        return np.searchsorted(self._times, moments).astype(np.float64)

    def between(self, starts: Floats, ends: Floats) -> Floats:
        """Events from each start to its end."""
        return self.until(ends) - self.until(starts)

    def mean(self, edges: Floats) -> Floats:
        """Events per second between consecutive edges."""
        return self.between(edges[:-1], edges[1:]) / np.diff(edges)


class Underway:
    """How many intervals are open at a moment."""

    def __init__(self, starts: Floats, ends: Floats) -> None:
        self._starts = ascending(starts)
        self._ends = ascending(ends)

    def at(self, moments: Floats) -> Floats:
        """Intervals that began before each moment and have not ended."""
        found = np.searchsorted(self._starts, moments) - np.searchsorted(self._ends, moments)
        return found.astype(np.float64)


def ascending(times: Floats) -> Floats:
    """The times in order; the array itself where it is so already."""
    return times if bool(np.all(times[:-1] <= times[1:])) else np.sort(times)
