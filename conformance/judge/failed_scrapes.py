"""What a failed scrape does to the moment at which a count is wanted.

Where pods serve directly, the autoscaler hears of their load by asking them. Of up to four pods all have to answer
(pkg/autoscaler/metrics/sample_size.go), so that one that does not loses the second: a count that needs each second of a
panic window comes up to a window later. What an activator reports is not lost.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge import ensemble
from conformance.judge.expectations import parameters
from conformance.judge.history import History, Revision
from conformance.judge.measured_load import LOSS_PERIOD, Member, Windows, measured
from conformance.judge.once import once
from conformance.judge.path_changes import direct
from conformance.judge.sampling_noise import SAMPLED_PODS
from conformance.judge.step_function import Floats
from conformance.model.config import TICK_SECONDS

STEP_SECONDS: Final = 0.25


def may_matter(history: History, revision: Revision, t: float) -> bool:
    """Whether what is decided by the panic window that ends at `t` may miss a second: a few pods served directly."""
    begin = t - parameters(history, revision).panic_window_seconds - TICK_SECONDS
    times = np.arange(begin, t, STEP_SECONDS)
    ready = revision.ready.at(times)
    return bool(((direct(revision).at(times) > 0) & (ready >= 1) & (ready < SAMPLED_PODS)).any())


def first_wanted_latest(history: History, revision: Revision, begin: float, count: float) -> float:
    """The latest moment from `begin` on at which a count is first wanted by an autoscaler that misses one second, and
    every thirtieth after it; infinite where one never wants it."""
    return max(_first(each, begin, count) for each in _courses(history, revision))


def _first(desired: tuple[Floats, Floats], begin: float, count: float) -> float:
    times, values = desired
    after = np.append(times[1:], np.inf)
    found = np.flatnonzero((after > begin) & (values >= count))
    return max(begin, float(times[found[0]])) if len(found) else np.inf


@once
def _courses(history: History, revision: Revision) -> tuple[tuple[Floats, Floats], ...]:
    """Times and values of the wanted counts, whichever second is missed and whatever the phases."""
    settings = parameters(history, revision)
    windows = Windows.of(settings)
    found = []
    for loss in range(LOSS_PERIOD):
        for number, phase in enumerate(ensemble.TICK_PHASES):
            report_phase, age = ensemble.REPORTS[(loss + number) % len(ensemble.REPORTS)]
            member = Member(False, phase, report_phase, age, loss=loss)
            desired = ensemble.course(measured(history, revision, member, windows), settings).desired
            found.append((desired.times, desired.values))
    return tuple(found)
