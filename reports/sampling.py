"""Fewer points without hiding any that matter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def thin(x: NDArray[Any], y: NDArray[Any], keep: NDArray[np.bool_], points: int) -> NDArray[np.intp]:
    """Indices, in order of x, of at most about `points` points: all those marked to keep, and of the others the lowest
    and the highest of each of points / 2 equal stretches of x, so that the outline of a scatter stays as it is."""
    order = np.argsort(x, kind="stable")
    if len(order) <= points:
        return order
    marked, rest = order[keep[order]], order[~keep[order]]
    buckets = max(1, points // 2)
    low, high = float(x[rest].min()), float(x[rest].max())
    width = (high - low) / buckets or 1.0
    bucket = np.minimum(((x[rest] - low) / width).astype(np.intp), buckets - 1)
    by_height = np.lexsort((y[rest], bucket))
    sorted_buckets = bucket[by_height]
    first = np.flatnonzero(np.diff(sorted_buckets, prepend=-1))
    last = np.append(first[1:] - 1, len(by_height) - 1)
    chosen = np.unique(np.concatenate((by_height[first], by_height[last])))
    kept = np.concatenate((marked, rest[chosen]))
    return kept[np.argsort(x[kept], kind="stable")]


def finite(value: float) -> float | None:
    """A number for JSON: None for infinity and NaN."""
    return value if math.isfinite(value) else None
