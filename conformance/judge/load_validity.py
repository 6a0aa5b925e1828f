"""Whether the load was the one that was planned: the generator offered it, in time, and the witness answered it."""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge.arrivals import Load, Occupancy
from conformance.judge.history import History
from conformance.judge.validity_check import ValidityCheck
from conformance.recording.rows import RowError, RowFlag

RISE_SECONDS: Final = 5
"""So long callers may take until half of them are there: a load that rises slowly is still the load asked for."""
LEAST_SAMPLES: Final = 3


def _offered(history: History) -> float | None:
    return min((share for load in history.loads if (share := _share(load)) is not None), default=None)


def _share(load: Load) -> float | None:
    """Share of the planned load that was offered; a closed loop by its mean in flight, an open one by arrivals sent."""
    if load.rows.dtype.names is None or not len(load.rows):
        return 0.0 if load.seconds > 0 and any(phase.arrivals for phase in load.phases) else None
    if all(phase.shape == "closed" for phase in load.phases):
        return _closed_share(load)
    rows = load.rows
    dropped = int((rows["error"] == RowError.DROPPED).sum())
    due = sum(phase.arrivals for phase in load.phases)
    poisson = any(phase.shape in ("poisson", "salvo") for phase in load.phases)
    sent = len(rows) - dropped
    if poisson or any(phase.shape == "closed" for phase in load.phases):
        return sent / max(len(rows), 1)
    return min(1.0, sent / due) if due else None


def _closed_share(load: Load) -> float | None:
    planned = float(sum(phase.seconds * phase.workers for phase in load.phases))
    if planned < 5.0 or any(phase.count for phase in load.phases):
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
    count = max((phase.workers for phase in load.phases), default=0)
    edges = np.arange(load.start, load.start + load.seconds, 1.0)
    if len(edges) < 2 or not count:
        return 0.0
    there = ~np.isnan(load.rows["sent"])
    busy = Occupancy(load.rows["sent"][there], load.rows["end"][there]).mean(edges)
    begin, idle = load.start, 0.0
    for phase in load.phases:
        end = begin + phase.seconds
        short = phase.workers - busy[(edges[:-1] >= begin) & (edges[1:] <= end)]
        stalled = short > 0.5 * phase.workers
        # Callers that set out one after the other are late once a phase; what they offered is judged by.
        risen = np.flatnonzero(~stalled)
        stalled[: min(int(risen[0]), RISE_SECONDS) if len(risen) else 0] = False
        idle += float(short[stalled].sum())
        begin = end
    return idle


def _lag(history: History) -> float | None:
    lags = []
    for load in history.loads:
        lag = load.rows["sent"] - load.rows["scheduled"] - load.rows["connect_seconds"]
        # A paced worker's tick that came while it was busy waited for the server, not for the generator.
        lag = lag[~np.isnan(lag) & (load.rows["flags"] & RowFlag.WAITED == 0)]
        if len(lag):
            lags.append(np.maximum(0.0, lag))
    return float(np.quantile(np.concatenate(lags), 0.99)) if lags else None


def _generator(history: History) -> float | None:
    shares = [entry.cpu_share for load in history.loads for entry in load.health if entry.cpu_share is not None]
    return float(np.quantile(shares, 0.9)) if len(shares) >= LEAST_SAMPLES else None


def _witness(history: History) -> float | None:
    good = unknown = 0
    for load in history.loads:
        fine = load.rows["status"] == 200
        good += int(fine.sum())
        unknown += int((fine & load.served_by("")).sum())
    return unknown / good if good else None


OFFERED: Final = ValidityCheck(
    "OFFERED_LOAD_RATIO",
    "load",
    0.98,  # MLPerf's and k6's custom: below it the generator, not the platform, shaped the load
    _offered,
    "the generator could not offer the load: run it on a machine of its own, or raise its limit in flight",
    at_least=True,
)
LAG: Final = ValidityCheck(
    "SCHEDULE_LAG_P_SECONDS",
    "load",
    0.25,  # an eighth of the autoscaler's tick: later sending than this moves what a tick sees
    _lag,
    "requests went out late: give the generator a core of its own, or lower the load",
)
GENERATOR: Final = ValidityCheck(
    "GENERATOR_CPU",
    "load",
    0.95,
    _generator,
    "the generator was saturated: run it on a faster machine, or lower the load",
)
WITNESS: Final = ValidityCheck(
    "WITNESS_MISSING",
    "witness",
    0.001,  # of 1000 answers one may come without the witness's headers
    _witness,
    "answers did not come from the witness: check that its runtime serves this model",
    digits=5,
)
