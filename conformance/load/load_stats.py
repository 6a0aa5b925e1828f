"""Collects the figures of a summary from rows, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.recording.rows import RowError

Rows = NDArray[Any]

_GROWTH: Final = 1.01
"""Neighbouring bins of a group's latencies differ by 1 %, from 1 µs to over an hour."""
_FIRST: Final = 1e-6
_BINS: Final = 2230


def nearest_rank(count: int, share: float) -> int:
    """Index of the smallest of `count` sorted samples with at least this share of them at or below it."""
    return max(0, int(np.ceil(count * share - 1e-9)) - 1)


class Spread:
    """Average, least and greatest of a stream of values."""

    def __init__(self) -> None:
        self._count, self._sum = 0, 0.0
        self._least, self._greatest = np.inf, 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in a chunk."""
        if len(values):
            self._count += len(values)
            self._sum += float(values.sum(dtype=np.float64))
            self._least = min(self._least, float(values.min()))
            self._greatest = max(self._greatest, float(values.max()))

    def figures(self) -> tuple[float, float, float]:
        """(average, least, greatest), zeros without values."""
        return (self._sum / self._count, self._least, self._greatest) if self._count else (0.0, 0.0, 0.0)


class Group:
    """Answers of one pod or one phase."""

    def __init__(self) -> None:
        self.arrivals = self.count = self.failed = self.dropped = 0
        self.most_in_flight = self.high_water = 0
        self._sum = 0.0
        self._bins = np.zeros(_BINS, dtype=np.int64)

    def add(self, rows: Rows) -> None:
        """Take in rows of this group, answers and others."""
        self.arrivals += len(rows)
        self.dropped += int((rows["error"] == RowError.DROPPED).sum())
        rows = rows[rows["error"] == RowError.NONE]
        if not len(rows):
            return
        self.count += len(rows)
        self.failed += int((rows["status"] >= 500).sum())
        self.most_in_flight = max(self.most_in_flight, int(rows["in_flight"].max()))
        self.high_water = max(self.high_water, int(rows["high_water"].max()))
        latency = rows["end"] - rows["sent"]
        self._sum += float(latency.sum())
        places = (np.log(np.maximum(latency, _FIRST) / _FIRST) / np.log(_GROWTH)).astype(np.int64)
        self._bins += np.bincount(places.clip(max=_BINS - 1), minlength=_BINS)

    @property
    def average(self) -> float:
        """Mean service latency in seconds."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, share: float) -> float:
        """Nearest rank, to the middle of its bin."""
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._bins), nearest_rank(self.count, share), side="right"))
        return float(_FIRST * _GROWTH ** (place + 0.5))


class LoadStats:
    """Figures of one load so far. Latencies are lists of chunks."""

    def __init__(self) -> None:
        self.arrivals = self.sent = self.body_bytes = 0
        self.last_end = -np.inf
        self.errors: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.service: list[NDArray[np.float32]] = []
        self.from_due: list[NDArray[np.float32]] = []
        self.censored: list[NDArray[np.float32]] = []
        self.connect, self.wait, self.read = Spread(), Spread(), Spread()
        self.pods: dict[int, Group] = {}
        self.phases: dict[int, Group] = {}

    def add(self, rows: Rows) -> None:
        """Take in a chunk."""
        if not len(rows):
            return
        self.arrivals += len(rows)
        self.sent += int((~np.isnan(rows["sent"])).sum())
        self.body_bytes += int(rows["body_bytes"].sum(dtype=np.int64))
        self.last_end = max(self.last_end, float(np.nanmax(rows["end"])))
        self.errors.update(_counts(rows["error"]))
        timed = rows[((rows["error"] == RowError.NONE) | (rows["error"] == RowError.TIMEOUT)) & ~np.isnan(rows["sent"])]
        answers = timed[timed["error"] == RowError.NONE]
        self.statuses.update(_counts(answers["status"]))
        if len(timed):
            self.service.append((timed["end"] - timed["sent"]).astype(np.float32))
            self.from_due.append((timed["end"] - timed["scheduled"]).astype(np.float32))
        late = timed[timed["error"] == RowError.TIMEOUT]
        if len(late):
            self.censored.append((late["end"] - late["sent"]).astype(np.float32))
        self.connect.add(rows["connect_seconds"][rows["connect_seconds"] > 0].astype(np.float64))
        self.wait.add(answers["first_byte"] - answers["sent"])
        self.read.add(answers["end"] - answers["first_byte"])
        _group(self.pods, rows[rows["pod"] > 0], "pod")
        _group(self.phases, rows, "phase")


def _counts(values: NDArray[Any]) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}


def _group(groups: dict[int, Group], rows: Rows, field: str) -> None:
    for number in np.unique(rows[field]):
        groups.setdefault(int(number), Group()).add(rows[rows[field] == number])
