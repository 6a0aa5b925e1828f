"""Whether what was seen can be trusted: the harness was awake, clocks agree, nothing was missed or reconfigured."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from conformance.judge.history import History
from conformance.judge.load_validity import LEAST_SAMPLES
from conformance.judge.validity_check import Reading, ValidityCheck
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_bodies import INSTALLATION, ClockBody, ConfigBody, GapBody, HarnessBody

GAP_SECONDS: Final = 1.0
"""Half a tick: a change and its reversal within it may go unseen."""
_NAMES: Final = {"autoscaler-pods": "the autoscaler's pods"}


def _loop(history: History) -> float | None:
    lags = [fact.body.loop_lag_seconds for fact in history.of(HarnessBody)]
    return float(np.quantile(lags, 0.99)) if len(lags) >= LEAST_SAMPLES else None


def _platform(history: History) -> float | None:
    """The embedded platform's own lag, which only it tells, from the first load on."""
    start = min((load.start for load in history.loads if len(load.rows)), default=0.0)
    lags = [fact.body.platform_lag_seconds for fact in history.of(HarnessBody) if fact.t >= start]
    return max((float(lag) for lag in lags if lag is not None), default=None)


def _skews(history: History) -> list[float]:
    """Cluster's clock minus this machine's, each time it was asked for."""
    return [float(fact.body.skew_seconds) for fact in history.of(ClockBody)]


def _skew(history: History) -> float | None:
    return max((abs(each) for each in _skews(history)), default=None)


def _gaps(history: History) -> list[GapBody]:
    return [fact.body for fact in history.of(GapBody) if fact.body.start < history.end]


def _longest_gap(history: History) -> float:
    return max((float(gap.end - gap.start) for gap in _gaps(history)), default=0.0)


def _throttled(history: History) -> int:
    return sum("429" in gap.reason for gap in _gaps(history))


def _lateness(history: History) -> float | None:
    """How late a watch reported a pod at the least: Kubernetes' creation time is cut to whole seconds, and by the
    cluster's own clock."""
    skew = max(_skews(history), key=abs, default=0.0)
    lags = [
        fact.wall + skew - fact.body.created_wall - 1.0
        for fact in history.of(PodBody)
        if fact.body.change is ChangeType.ADDED and fact.body.created_wall is not None
    ]
    return max(0.0, *lags) if lags else None


def _configuration(history: History) -> Reading | None:
    """Whether what was read at the start still stands at the end; a version tells of changes taken back in between.
    The installation is read once by the run, not by the scenario."""
    read: dict[str, list[ConfigBody]] = {}
    for fact in history.of(ConfigBody):
        if fact.body.source != INSTALLATION:
            read.setdefault(fact.body.source, []).append(fact.body)
    if not read:
        return None
    changed = {name: sum(a != b for a, b in pairwise(entries)) for name, entries in read.items()}
    names = sorted(_NAMES.get(name, name) for name, count in changed.items() if count)
    remedy = f"{' and '.join(names) or 'configuration'} changed while the scenario ran: leave it alone and run again"
    return Reading(sum(changed.values()), remedy)


LOOP: Final = ValidityCheck(
    "LOOP_LAG_SECONDS",
    "observer",
    0.5,  # a quarter of a tick: facts are stamped this much too late at the most
    _loop,
    "the harness was starved and stamped facts late: free the machine it runs on",
)
PLATFORM: Final = ValidityCheck(
    "PLATFORM_LAG_SECONDS",
    "platform",
    # A quarter of a tick, as for the harness. A request waits for the loop some ten times on its way: far beyond this
    # seconds are lost that no algorithm explains.
    0.5,
    _platform,
    "the embedded platform was starved and answered late: free the machine it runs on",
)
SKEW: Final = ValidityCheck(
    "CLOCK_SKEW_SECONDS",
    "clock",
    1.0,  # Kubernetes' own time stamps are whole seconds
    _skew,
    "clocks of the cluster and of this machine differ: synchronise them (NTP)",
    digits=3,
)
GAP: Final = ValidityCheck(
    "OBSERVER_GAP_SECONDS",
    "observer",
    GAP_SECONDS,
    _longest_gap,
    "watching broke off: check the way to the API server",
    digits=3,
)
THROTTLED: Final = ValidityCheck(
    "API_THROTTLED",
    "observer",
    0,
    _throttled,
    "the API server throttled this client: raise its limits or leave it alone during the run",
)
LATENESS: Final = ValidityCheck(
    "OBSERVER_LAG_SECONDS",
    "observer",
    GAP_SECONDS,
    _lateness,
    "changes were seen late: move the harness nearer to the API server, or relieve it",
    digits=3,
)
CONFIGURATION: Final = ValidityCheck("CONFIGURATION_CHANGED", "config", 0, _configuration, "run again")
