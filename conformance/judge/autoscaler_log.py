"""What the autoscaler logged of its own measuring: extra evidence of how it measured what cannot be seen from outside.

It narrows the ensemble, or widens it, within what conforms; what was wanted is never read from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.judge.demand import Demand, Side
from conformance.judge.ensemble import FIRST_SECONDS
from conformance.judge.history import History
from conformance.judge.measured_load import JITTER
from conformance.judge.step_function import Floats
from conformance.model.config import TICK_SECONDS
from conformance.model.keys import RPS
from conformance.model.parameters import Parameters
from conformance.recording.run_bodies import MetricBody

LOG: Final = "autoscaler-log"
SAMPLES: Final = 4
"""So many figures under a steady load tell how it was measured."""
SHORT_SHARE: Final = 0.96
"""Below this share of the least load a part of a second is missing in the panic window: a lost report alone takes away
one in thirty, seconds that are not quite a second long one in fifty."""
SHORT_QUANTILE: Final = 0.1
"""Timers drift: it is enough that one tick in ten falls short."""
TICK_SHARE: Final = 0.8
"""So many of a load's ticks have to be logged to know that none showed more."""
ROUNDING: Final = 0.001
"""Figures are logged with three decimals."""
STEADY_SHARE: Final = 0.05
"""A load counts as steady while its means over a panic window differ by less than this."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """How the logged means over the panic window lie to what reached the platform; None where the log does not tell."""

    short: bool | None = None
    """They lie below it, as they do when ticks fall between the reports of one second."""
    over: bool | None = None
    """One lies above it, as it does when a report is counted twice or the window was not full."""


NOTHING: Final = LogReading()


def read_log(history: History, load: Demand, settings: Parameters) -> LogReading:
    """Compare the log's figures with the recorded load. Nothing is read for two revisions, whose lines are mixed."""
    if len(history.revisions) != 1 or np.isnan(load.start):
        return NOTHING
    figures = [
        (fact.t, float(fact.body.values["panic"]))
        for fact in history.of(MetricBody)
        if fact.body.source == LOG and "panic" in fact.body.values
    ]
    if not figures:
        return NOTHING
    times = np.array([t for t, _ in figures])
    values = np.array([value for _, value in figures])
    return LogReading(_short(load, settings, times, values), _over(load, settings, times, values))


def _short(load: Demand, settings: Parameters, times: Floats, values: Floats) -> bool | None:
    window = settings.panic_window_seconds
    low, high = _range(load.least, times, window)
    steady = (low > 0) & (high - low <= STEADY_SHARE * high) & (times - TICK_SECONDS - window > load.start)
    if steady.sum() < SAMPLES:
        return None
    return bool(np.quantile(values[steady] / low[steady], SHORT_QUANTILE) < SHORT_SHARE)


def _over(load: Demand, settings: Parameters, times: Floats, values: Floats) -> bool | None:
    window = settings.panic_window_seconds
    during = (times >= load.start) & (times <= load.end)
    if settings.weighted or during.sum() < max(SAMPLES, TICK_SHARE * (load.end - load.start) / TICK_SECONDS):
        return None
    # The activator's first report after a silence stands for a whole second, most of which may be yet to come.
    ahead = _range(load.most, times[during] + FIRST_SECONDS, window)[1]
    high = np.maximum(_range(load.most, times[during], window)[1], ahead)
    # One arrival at a window's edge may fall on either side of it.
    edge = 1.0 / window if settings.metric == RPS else 0.0
    return bool((values[during] > high * (1.0 + JITTER) + edge + ROUNDING).any())


def _range(load: Side, until: Floats, seconds: float) -> tuple[Floats, Floats]:
    """Least and greatest mean over windows that end up to a tick before: the newest second that a tick sees may."""
    ends = [until - back for back in (0.0, TICK_SECONDS / 2.0, TICK_SECONDS)]
    means = np.stack([load.between(end - seconds, end) / seconds for end in ends])
    return means.min(axis=0), means.max(axis=0)
