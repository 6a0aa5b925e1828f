"""Fewer points without hiding any that matter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def thin(x: NDArray[Any], y: NDArray[Any], keep: NDArray[np.bool_], points: int) -> NDArray[np.intp]:
    """Indices, in order of x, of at most about `points` points: all those marked to keep, and of the others the lowest
    and the highest of each of points / 2 equal stretches of x, so that the outline of a scatter stays as it is. More
    marked points than that are thinned to their own outline."""
    order = np.argsort(x, kind="stable")
    if len(order) <= points:
        return order
    marked, rest = order[keep[order]], order[~keep[order]]
    if len(marked) > points:
        marked = _outline(x, y, marked, points)
    kept = np.concatenate((marked, _outline(x, y, rest, points)))
    return kept[np.argsort(x[kept], kind="stable")]


def _outline(x: NDArray[Any], y: NDArray[Any], chosen: NDArray[np.intp], points: int) -> NDArray[np.intp]:
    """The lowest and the highest of each stretch of x among the chosen indices."""
    if not len(chosen):
        return chosen
    buckets = max(1, points // 2)
    low, high = float(x[chosen].min()), float(x[chosen].max())
    width = (high - low) / buckets or 1.0
    bucket = np.minimum(((x[chosen] - low) / width).astype(np.intp), buckets - 1)
    by_height = np.lexsort((y[chosen], bucket))
    sorted_buckets = bucket[by_height]
    first = np.flatnonzero(np.diff(sorted_buckets, prepend=-1))
    last = np.append(first[1:] - 1, len(by_height) - 1)
    ends: NDArray[np.intp] = chosen[np.unique(np.concatenate((by_height[first], by_height[last])))]
    return ends


def finite(value: float) -> float | None:
    """A number for JSON: None for infinity and NaN."""
    return value if math.isfinite(value) else None
