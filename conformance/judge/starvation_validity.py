"""Whether the cluster had the processor time that a platform needs: models kept their times, its own parts stayed up.

An autoscaler that gets no processor ticks late, and pods that it asks for come late; a gateway that its own probe
killed lets a backlog loose. None of that says anything of how pods are decided on. What callers lost by it stays a
failure: no check of answers is spoilt by what is found here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from conformance.judge.history import History
from conformance.judge.validity_check import Reading, ValidityCheck
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import NodeUsageBody, PlatformPodBody
from conformance.recording.run_bodies import WitnessBody

LATE_SECONDS: Final = 0.25
"""An eighth of the autoscaler's tick, as for the load generator: what comes later than this moves what a tick sees."""
IN_THE_WAY: Final = frozenset({"gateway", "activator", "autoscaler"})
"""Parts of the platform that requests and decisions go through."""


def _starved(history: History) -> Reading | None:
    """Seconds in which some model was late by more than LATE_SECONDS: by its own word, or by how long it took for what
    it was asked to take."""
    late = {int(second.wall) for fact in history.of(WitnessBody) for second in fact.body.late or ()
            if second.seconds > LATE_SECONDS}  # fmt: skip
    if len(history.components) <= 1:
        late |= set(_slow(history))
    elif not late:
        return None
    busiest = max((fact.body.cpu_share for fact in history.of(NodeUsageBody)), default=None)
    busy = "" if busiest is None else f", whose nodes were up to {busiest:.0%} busy"
    remedy = f"models did not get their share of the machine: give the cluster more processors{busy}"
    return Reading(len(late), remedy, limit=max(FEW_SECONDS, int(FEW_SHARE * history.end)))


def _slow(history: History) -> Iterator[int]:
    """Seconds (Unix time) in which answers came late; what a model was asked to take is what its quickest answer took.
    A transformer waits for its predictor, so that its times tell nothing of the machine."""
    for load in history.loads:
        rows = load.rows[(load.rows["status"] == 200) & (load.rows["model_seconds"] > 0)]
        if len(rows):
            late = rows["model_seconds"] - rows["model_seconds"].min() > LATE_SECONDS
            yield from (int(second) for second in np.unique(np.floor(history.wall(0.0) + rows["end"][late])))


def _restarted(history: History) -> Reading | None:
    """Seconds in which a part of the platform that had been ready was not, or restarted: a restart counts as one."""
    facts = history.of(PlatformPodBody)
    pods: dict[str, list[tuple[float, PlatformPodBody]]] = {}
    for fact in facts:
        if fact.body.role in IN_THE_WAY:
            pods.setdefault(fact.body.name, []).append((fact.t, fact.body))
    if not pods:
        return None
    lost = {name: _lost_seconds(seen, history.end) for name, seen in pods.items()}
    roles = sorted({seen[0][1].role for name, seen in pods.items() if lost[name]})
    remedy = f"{' and '.join(roles) or 'a part of the platform'} restarted or was not ready: see why, and run again"
    return Reading(round(max(lost.values()), 3), remedy)


def _lost_seconds(seen: list[tuple[float, PlatformPodBody]], end: float) -> float:
    """For one pod, in order: how long it was not ready after it had been, and one second for each restart."""
    first = seen[0][1]
    lost = float(max(body.restarts for _, body in seen) - first.restarts)
    was_ready, since = first.ready, None
    for t, body in seen[1:]:
        leaves = body.deleting or body.change is ChangeType.DELETED
        if since is not None and (body.ready or leaves):
            lost, since = lost + t - since, None
        elif was_ready and since is None and not body.ready and not leaves:
            since = t
        was_ready |= body.ready
    return lost + (end - since if since is not None else 0.0)


FEW_SECONDS: Final = 3
"""Late seconds that move no window: one stall of one pod, or two. Where nothing is short there is none in 140 s."""
FEW_SHARE: Final = 0.03
"""Of a long scenario so many seconds may be late. A starved real platform had 8 in 154 s; its pods came late."""
STARVED: Final = ValidityCheck(
    "STARVED",
    "starved",
    FEW_SECONDS,
    _starved,
    "models did not get their share of the machine: give the cluster more processors",
)
RESTARTED: Final = ValidityCheck(
    "PLATFORM_RESTARTED",
    "starved",
    0,
    _restarted,
    "a part of the platform restarted or was not ready: see why, and run again",
)
