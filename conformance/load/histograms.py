"""Latency as HDR histograms, for other tools and for merging across machines: one per phase, pod and kind of answer.

Rows stay the authority for verdicts; these are for export. Values are microseconds of service latency, three digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from conformance.recording.rows import RowError

LEAST_MICROSECONDS: Final = 1
GREATEST_MICROSECONDS: Final = 3_600_000_000
DIGITS: Final = 3

Key = tuple[int, str, str]
"""Phase, pod, and `2xx` or the like, or the error class."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """One histogram in its portable form."""

    phase: int
    pod: str
    kind: str
    count: int
    hdr: str
    """HdrHistogram's compressed, base64 coded form (V2)."""


def build(chunks: Iterable[NDArray[Any]], names: Sequence[str]) -> list[Histogram]:
    """All histograms of a load, in the order of their keys. Rows that were never sent have none."""
    found: dict[Key, HdrHistogram] = {}
    for rows in chunks:
        rows = rows[~np.isnan(rows["sent"])]
        kinds = np.where(rows["error"] == RowError.NONE, rows["status"] // 100, 100 + rows["error"])
        groups = rows["phase"].astype(np.int64) << 48 | kinds.astype(np.int64) << 32 | rows["pod"].astype(np.int64)
        for group in np.unique(groups):
            mine = groups == group
            number, kind = int(group & 0xFFFFFFFF), int(group >> 32 & 0xFFFF)
            pod = names[number - 1] if 0 < number <= len(names) else ""
            key = (int(group >> 48), pod, f"{kind}xx" if kind < 100 else RowError(kind - 100).name.lower())
            _record(found.setdefault(key, _empty()), rows["end"][mine] - rows["sent"][mine])
    return list(_entries(found))


def merge(entries: Iterable[Histogram]) -> list[Histogram]:
    """Entries of several machines or runs as one."""
    found: dict[Key, HdrHistogram] = {}
    for entry in entries:
        found.setdefault((entry.phase, entry.pod, entry.kind), _empty()).add(HdrHistogram.decode(entry.hdr))
    return list(_entries(found))


def _empty() -> HdrHistogram:
    return HdrHistogram(LEAST_MICROSECONDS, GREATEST_MICROSECONDS, DIGITS)


def _record(histogram: HdrHistogram, seconds: NDArray[np.float64]) -> None:
    microseconds = np.rint(seconds * 1e6).clip(LEAST_MICROSECONDS, GREATEST_MICROSECONDS).astype(np.int64)
    for value, count in zip(*np.unique(microseconds, return_counts=True), strict=True):
        histogram.record_value(int(value), int(count))


def _entries(found: dict[Key, HdrHistogram]) -> Iterator[Histogram]:
    for (phase, pod, kind), histogram in sorted(found.items()):
        yield Histogram(phase, pod, kind, int(histogram.get_total_count()), histogram.encode().decode("ascii"))
