"""How far sampling may move the means of an autoscaler: pods that serve directly are asked by some for all.

From five ready pods on Knative asks a few and multiplies (pkg/autoscaler/metrics/sample_size.go). What was sampled
stays in a window for its length, whether or not there are still so many pods, or the activator is in the path again.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge.demand import Demand
from conformance.judge.history import Revision
from conformance.judge.path_changes import direct
from conformance.judge.step_function import Floats

SAMPLED_PODS: Final = 5
"""From so many ready pods on not all are asked."""
DEVIATIONS: Final = 3.0
ONE_SECOND: Final = 0.26
"""Standard deviation of one sampled second at the most, in coefficients of variation of what single pods carry."""
RECENT_SECONDS: Final = 6.0
LEAST_PER_POD: Final = 0.05
LEAST_FACTOR: Final = 0.1
YOUNG_SHARE: Final = 0.25
"""Old pods stand for young ones, which may carry less."""


def factors(revision: Revision, ticks: Floats, load: Demand, high: bool, window_seconds: float) -> Floats:
    """By what to multiply a mean at each tick for the greatest, or the least, that sampling may have made of it."""
    path = direct(revision)
    edges = np.arange(np.floor(revision.seen) - 1.0, (ticks[-1] if len(ticks) else revision.seen) + 2.0)
    serving = (path.at(edges) > 0) & (revision.ready.at(edges) >= SAMPLED_PODS)
    if not serving.any():
        return np.ones(len(ticks))
    counted = np.maximum(0.0, load.most.between(edges[:-1], edges[1:]))
    sampled = serving[:-1] | serving[1:]
    pods = np.maximum(revision.ready.at(edges[:-1]), revision.ready.at(edges[1:]))
    spread = np.where(sampled, _spread(counted, pods) * counted, 0.0)
    begin, end = np.searchsorted(edges, ticks - window_seconds - 1.0), np.searchsorted(edges, ticks) - 1
    whole, of_sampled, variance = (_summed(each, begin, end) for each in (counted, counted * sampled, spread**2))
    loaded = np.maximum(whole, 1e-9)
    deviation, share = np.sqrt(variance) / loaded, of_sampled / loaded
    # New pods are asked before they carry their share: what is sampled now counts as if it were the whole window.
    now = (path.at(ticks) > 0) & (revision.ready.at(ticks) >= SAMPLED_PODS)
    recent = load.most.between(ticks - RECENT_SECONDS, ticks) / RECENT_SECONDS
    present = np.where(now, _spread(recent, revision.ready.at(ticks)) / np.sqrt(window_seconds), 0.0)
    deviation, share = np.maximum(deviation, present), np.where(now, 1.0, share)
    young = 1.0 + YOUNG_SHARE * share if high else np.ones(len(ticks))
    found: Floats = young * np.maximum(LEAST_FACTOR, 1.0 + (deviation if high else -deviation))
    return found


def _spread(counted: Floats, pods: Floats) -> Floats:
    """Relative deviation of one sampled second. Draws of different seconds are independent."""
    found: Floats = DEVIATIONS * ONE_SECOND / np.sqrt(np.maximum(counted / np.maximum(pods, 1.0), LEAST_PER_POD))
    return found


def _summed(values: Floats, begin: np.ndarray, end: np.ndarray) -> Floats:
    """Sum of the values from each begin to its end, excluded."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    last = len(values)
    found: Floats = sums[np.clip(end, 0, last)] - sums[np.clip(begin, 0, last)]
    return found
