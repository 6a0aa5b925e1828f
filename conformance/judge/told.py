"""What the autoscaler told of its own measuring: extra evidence, which excuses a low count and never accuses."""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge.demand import Demand
from conformance.judge.history import History
from conformance.model.config import TICK_SECONDS
from conformance.model.parameters import Parameters
from conformance.recording.facts import Kind

LOG: Final = "autoscaler-log"
SAMPLES: Final = 4
"""So many figures under a steady load tell how it was measured."""
SHORT_SHARE: Final = 0.96
"""Below this share of the least load a part of a second is missing in the panic window: a lost report alone takes away
one in thirty, seconds that are not quite a second long one in fifty."""
SHORT_QUANTILE: Final = 0.1
"""Timers drift: it is enough that one tick in ten falls short."""
STEADY_SHARE: Final = 0.05
"""A load counts as steady while its means over a panic window differ by less than this."""


def falls_short(history: History, load: Demand, settings: Parameters) -> bool | None:
    """Whether the means that the autoscaler logged lie below what reached the platform, as they do when ticks fall
    between the reports of one second. None where the log does not tell: none, no steady load, or two revisions."""
    if len(history.revisions) != 1 or np.isnan(load.start):
        return None
    told = [
        (fact.t, float(fact.body["values"]["panic"]))
        for fact in history.of(Kind.METRIC)
        if fact.body.get("source") == LOG and "panic" in (fact.body.get("values") or {})
    ]
    if not told:
        return None
    times = np.array([t for t, _ in told])
    values = np.array([value for _, value in told])
    window = settings.panic_window_seconds
    # The newest second that a tick sees may have ended up to a tick before it.
    means = np.stack([_means(load, times - back, window) for back in (0.0, TICK_SECONDS / 2.0, TICK_SECONDS)])
    low, high = means.min(axis=0), means.max(axis=0)
    steady = (low > 0) & (high - low <= STEADY_SHARE * high) & (times - TICK_SECONDS - window > load.start)
    if steady.sum() < SAMPLES:
        return None
    return bool(np.quantile(values[steady] / low[steady], SHORT_QUANTILE) < SHORT_SHARE)


def _means(load: Demand, until: np.ndarray, seconds: float) -> np.ndarray:
    found: np.ndarray = (load.least.until(until) - load.least.until(until - seconds)) / seconds
    return found
