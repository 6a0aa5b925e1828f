"""Can this recording decide anything? Each check has a code, a value, a limit and a remedy.

A requirement is INCONCLUSIVE when a check of a kind that it touches is not met: load, observer, capacity, clock,
witness, config or restart. Limits are defended beside them; what is computed from the delivered load needs the load to
be delivered, not to be perfect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Final

import numpy as np

from conformance.judge import capacity_validity
from conformance.judge.arrivals import Load
from conformance.judge.history import History
from conformance.judge.judgement import Reason
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import PodBody
from conformance.recording.reader import Recording
from conformance.recording.rows import RowError, RowFlag
from conformance.recording.run_bodies import ClockBody, ConfigBody, GapBody, HarnessBody

OFFERED_SHARE: Final = 0.98
"""MLPerf's and k6's custom: below it the generator, not the platform, shaped the load."""
RISE_SECONDS: Final = 5
"""So long callers may take until half of them are there: a load that rises slowly is still the load asked for."""
LAG_SECONDS: Final = 0.25
"""An eighth of the autoscaler's tick: later sending than this moves what a tick sees."""
CPU_SHARE: Final = 0.95
LOOP_LAG_SECONDS: Final = 0.5
"""A quarter of a tick: facts are stamped this much too late at the most."""
PLATFORM_LAG_SECONDS: Final = 0.5
"""A quarter of a tick, as for the harness. A request waits for the loop some ten times on its way: far beyond this
seconds are lost that no algorithm explains."""
SKEW_SECONDS: Final = 1.0
"""Kubernetes' own time stamps are whole seconds."""
GAP_SECONDS: Final = 1.0
"""Half a tick: a change and its reversal within it may go unseen."""
_SPOKEN: Final = {"autoscaler-pods": "the autoscaler's pods"}
_STEADY: Final = frozenset({"installation"})
"""Read once by the run, not by the scenario."""
MISSING_SHARE: Final = 0.001
"""Of 1000 answers one may come without the witness's headers."""

KINDS: Final = {
    "OFFERED_LOAD_RATIO": "load",
    "SCHEDULE_LAG_P_SECONDS": "load",
    "GENERATOR_CPU": "load",
    "LOOP_LAG_SECONDS": "observer",
    "PLATFORM_LAG_SECONDS": "platform",
    "CLOCK_SKEW_SECONDS": "clock",
    "OBSERVER_GAP_SECONDS": "observer",
    "OBSERVER_LAG_SECONDS": "observer",
    "API_THROTTLED": "observer",
    "CAPACITY_PODS": "capacity",
    "IMAGE_PULL_SHARE": "capacity",
    "WITNESS_MISSING": "witness",
    "CONFIGURATION_CHANGED": "config",
    "CONTAINER_RESTARTS": "restart",
}
"""Which kind of validity a code belongs to."""

ALWAYS: Final = frozenset({"platform"})
"""Kinds that touch every requirement that looks at how the platform behaved."""


def checks(recording: Recording) -> tuple[Reason, ...]:
    """All validity checks of a recording that it allows to make."""
    from conformance.judge.history import read

    return of(read(recording))


def of(history: History) -> tuple[Reason, ...]:
    """All validity checks of a history that it allows to make, in a fixed order."""
    if "validity" not in history.memo:
        history.memo["validity"] = tuple(reason for look in _LOOKS for reason in look(history))
    found: tuple[Reason, ...] = history.memo["validity"]
    return found


def against(history: History, touches: Iterable[str]) -> tuple[Reason, ...]:
    """The checks not met among those of the given kinds."""
    kinds = set(touches)
    kinds |= ALWAYS if kinds else set()
    return tuple(reason for reason in of(history) if not reason.ok and KINDS[reason.code] in kinds)


def _offered(history: History) -> list[Reason]:
    shares = [share for load in history.loads if (share := _share(load)) is not None]
    if not shares:
        return []
    share = round(min(shares), 4)
    return [
        Reason(
            "OFFERED_LOAD_RATIO", share, f">= {OFFERED_SHARE}", share >= OFFERED_SHARE,
            "the generator could not offer the load: run it on a machine of its own, or raise its limit in flight",
        )
    ]  # fmt: skip


def _share(load: Load) -> float | None:
    """Share of the planned load that was offered; a closed loop by its mean in flight, an open one by arrivals sent."""
    if load.rows.dtype.names is None or not len(load.rows):
        return 0.0 if load.seconds > 0 and any(_arrivals(phase) for phase in load.phases) else None
    if all(phase.get("shape") == "closed" for phase in load.phases):
        return _closed_share(load)
    rows = load.rows
    dropped = int((rows["error"] == RowError.DROPPED).sum())
    due = sum(_arrivals(phase) for phase in load.phases)
    poisson = any(phase.get("shape") in ("poisson", "salvo") for phase in load.phases)
    sent = len(rows) - dropped
    if poisson or any(phase.get("shape") == "closed" for phase in load.phases):
        return sent / max(len(rows), 1)
    return min(1.0, sent / due) if due else None


def _closed_share(load: Load) -> float | None:
    workers = [(phase.get("seconds", 0.0), phase.get("workers", 0)) for phase in load.phases]
    planned = float(sum(seconds * count for seconds, count in workers))
    if planned < 5.0 or any(phase.get("count") for phase in load.phases):
        return None
    sent, end = load.rows["sent"], load.rows["end"]
    latest = load.start + load.seconds
    # What was never sent has no times, and counts for nothing in a sum that skips it.
    busy = float(np.nansum((np.minimum(end, latest) - np.minimum(sent, latest)).clip(min=0)))
    # A caller between two requests is not in flight; what its own turn-around takes is counted with it.
    turns = float(np.nansum(np.maximum(0.0, sent - load.rows["scheduled"])))
    return min(1.0, (busy + max(0.0, planned - busy - turns - _idle(load))) / planned)


def _idle(load: Load) -> float:
    """Worker-seconds in which a caller neither waited for an answer nor for its turn: the generator stalled."""
    count = max((int(phase.get("workers", 0)) for phase in load.phases), default=0)
    edges = np.arange(load.start, load.start + load.seconds, 1.0)
    if len(edges) < 2 or not count:
        return 0.0
    from conformance.judge.arrivals import Occupancy

    there = ~np.isnan(load.rows["sent"])
    busy = Occupancy(load.rows["sent"][there], load.rows["end"][there]).mean(edges)
    begin, idle = load.start, 0.0
    for phase in load.phases:
        end = begin + float(phase.get("seconds", 0.0))
        short = float(phase.get("workers", 0)) - busy[(edges[:-1] >= begin) & (edges[1:] <= end)]
        stalled = short > 0.5 * float(phase.get("workers", 0))
        # Callers that set out one after the other are late once a phase; what they offered is judged by.
        risen = np.flatnonzero(~stalled)
        stalled[: min(int(risen[0]), RISE_SECONDS) if len(risen) else 0] = False
        idle += float(short[stalled].sum())
        begin = end
    return idle


def _arrivals(phase: dict[str, object]) -> float:
    shape, seconds = phase.get("shape"), float(str(phase.get("seconds", 0.0)))
    rate, end = float(str(phase.get("rate", 0.0))), float(str(phase.get("rate_end", 0.0)))
    if shape == "burst":
        return float(str(phase.get("count", 0)))
    if shape == "ramp":
        return (rate + end) / 2.0 * seconds
    return rate * seconds if shape in ("constant", "poisson") else 0.0


def _lag(history: History) -> list[Reason]:
    lags = []
    for load in history.loads:
        lag = load.rows["sent"] - load.rows["scheduled"] - load.rows["connect_seconds"]
        # A paced worker's tick that came while it was busy waited for the server, not for the generator.
        lag = lag[~np.isnan(lag) & (load.rows["flags"] & RowFlag.WAITED == 0)]
        if len(lag):
            lags.append(np.maximum(0.0, lag))
    if not lags:
        return []
    worst = round(float(np.quantile(np.concatenate(lags), 0.99)), 4)
    remedy = "requests went out late: give the generator a core of its own, or lower the load"
    return [Reason("SCHEDULE_LAG_P_SECONDS", worst, f"<= {LAG_SECONDS}", worst <= LAG_SECONDS, remedy)]


def _generator(history: History) -> list[Reason]:
    shares = [float(entry["cpu_share"]) for load in history.loads for entry in load.health if "cpu_share" in entry]
    if len(shares) < 3:
        return []
    share = round(float(np.quantile(shares, 0.9)), 4)
    remedy = "the generator was saturated: run it on a faster machine, or lower the load"
    return [Reason("GENERATOR_CPU", share, f"<= {CPU_SHARE}", share <= CPU_SHARE, remedy)]


def _loop(history: History) -> list[Reason]:
    lags = [fact.body.loop_lag_seconds for fact in history.of(HarnessBody)]
    if len(lags) < 3:
        return []
    lag = round(float(np.quantile(lags, 0.99)), 4)
    remedy = "the harness was starved and stamped facts late: free the machine it runs on"
    return [Reason("LOOP_LAG_SECONDS", lag, f"<= {LOOP_LAG_SECONDS}", lag <= LOOP_LAG_SECONDS, remedy)]


def _platform(history: History) -> list[Reason]:
    """The embedded platform's own lag, which only it tells, from the first load on."""
    start = min((load.start for load in history.loads if len(load.rows)), default=0.0)
    lags = [
        fact.body.platform_lag_seconds
        for fact in history.of(HarnessBody)
        if fact.body.platform_lag_seconds is not None and fact.t >= start
    ]
    if not lags:
        return []
    lag = round(max(lags), 4)
    remedy = "the embedded platform was starved and answered late: free the machine it runs on"
    return [Reason("PLATFORM_LAG_SECONDS", lag, f"<= {PLATFORM_LAG_SECONDS}", lag <= PLATFORM_LAG_SECONDS, remedy)]


def _skews(history: History) -> list[float]:
    """Cluster's clock minus this machine's, each time it was asked for."""
    return [fact.body.skew_seconds for fact in history.of(ClockBody)]


def _skew(history: History) -> list[Reason]:
    skews = _skews(history)
    if not skews:
        return []
    skew = round(max(abs(each) for each in skews), 3)
    remedy = "clocks of the cluster and of this machine differ: synchronise them (NTP)"
    return [Reason("CLOCK_SKEW_SECONDS", skew, f"<= {SKEW_SECONDS}", skew <= SKEW_SECONDS, remedy)]


def _gaps(history: History) -> list[Reason]:
    inside = [fact.body for fact in history.of(GapBody) if fact.body.start < history.watched_until]
    length = round(max((gap.end - gap.start for gap in inside), default=0.0), 3)
    throttled = sum("429" in gap.reason for gap in inside)
    remedy = "watching broke off: check the way to the API server"
    slow = "the API server throttled this client: raise its limits or leave it alone during the run"
    return [
        Reason("OBSERVER_GAP_SECONDS", length, f"<= {GAP_SECONDS}", length <= GAP_SECONDS, remedy),
        Reason("API_THROTTLED", throttled, "<= 0", throttled == 0, slow),
    ]


def _lateness(history: History) -> list[Reason]:
    """How late a watch told of a pod at the least: Kubernetes' creation time is cut to whole seconds, and by the
    cluster's own clock."""
    skew = max(_skews(history), key=abs, default=0.0)
    lags = [
        fact.wall + skew - fact.body.created_wall - 1.0
        for fact in history.of(PodBody)
        if fact.body.change is ChangeType.ADDED and fact.body.created_wall is not None
    ]
    if not lags:
        return []
    lag = round(max(0.0, *lags), 3)
    remedy = "changes were seen late: move the harness nearer to the API server, or relieve it"
    return [Reason("OBSERVER_LAG_SECONDS", lag, f"<= {GAP_SECONDS}", lag <= GAP_SECONDS, remedy)]


def _witness(history: History) -> list[Reason]:
    good = unknown = 0
    for load in history.loads:
        fine = load.rows["status"] == 200
        good += int(fine.sum())
        unknown += int((fine & load.served_by("")).sum())
    if not good:
        return []
    share = round(unknown / good, 5)
    remedy = "answers did not come from the witness: check that its runtime serves this model"
    return [Reason("WITNESS_MISSING", share, f"<= {MISSING_SHARE}", share <= MISSING_SHARE, remedy)]


def _configuration(history: History) -> list[Reason]:
    """Whether what was read at the start still stands at the end; a version tells of changes taken back in between."""
    read: dict[str, list[tuple[object, object]]] = {}
    for fact in history.of(ConfigBody):
        if fact.body.source not in _STEADY:
            read.setdefault(fact.body.source, []).append((fact.body.data, fact.body.version))
    if not read:
        return []
    changed = {name: sum(a != b for a, b in pairwise(entries)) for name, entries in read.items()}
    names = sorted(_SPOKEN.get(name, name) for name, count in changed.items() if count)
    changes = sum(changed.values())
    remedy = f"{' and '.join(names) or 'configuration'} changed while the scenario ran: leave it alone and run again"
    return [Reason("CONFIGURATION_CHANGED", changes, "<= 0", changes == 0, remedy)]


_LOOKS: Final[tuple[Callable[[History], list[Reason]], ...]] = (
    _offered,
    _lag,
    _generator,
    _loop,
    _platform,
    _skew,
    _gaps,
    _lateness,
    capacity_validity.places,
    capacity_validity.images,
    capacity_validity.restarts,
    _witness,
    _configuration,
)
