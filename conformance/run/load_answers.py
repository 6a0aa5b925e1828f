"""What a load came to, in one line of `harness.log`: answers by status, and what came of the rest."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

import numpy as np

from conformance.load.load_summary import read_chunks
from conformance.load.row_writer import LoadPaths
from conformance.recording.rows import RowError

WELL: Final = 200
STATUS_BITS: Final = 16
"""Of a status in a row."""


def answers(paths: LoadPaths) -> str:
    """`180 x 200, 5 x 503 (t=12.3 to 14.1), 2 connect (t=3.0 to 3.0)`, in seconds of the recording; `none` where
    nothing was sent. Raises OSError where the rows are not there."""
    counts: Counter[str] = Counter()
    spans: dict[str, tuple[float, float]] = {}
    for rows in read_chunks(paths.rows):
        kinds = rows["error"].astype(np.uint32) << STATUS_BITS | rows["status"]
        for kind in np.unique(kinds):
            chosen = rows[kinds == kind]
            error, status = divmod(int(kind), 1 << STATUS_BITS)
            name = RowError(error).name.lower() if error else str(status)
            counts[name] += len(chosen)
            if error or status != WELL:
                times = chosen["end"] if np.isfinite(chosen["end"]).any() else chosen["scheduled"]
                first, last = spans.get(name, (math.inf, -math.inf))
                spans[name] = min(first, float(np.nanmin(times))), max(last, float(np.nanmax(times)))
    parts = [f"{counts[name]} x {name}" + _span(spans.get(name)) for name in sorted(counts)]
    return ", ".join(parts) or "none"


def _span(span: tuple[float, float] | None) -> str:
    return "" if span is None else f" (t={span[0]:.1f} to {span[1]:.1f})"
