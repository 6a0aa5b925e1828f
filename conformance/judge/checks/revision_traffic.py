"""Whether the traffic of a service is where the platform says it is: at one revision, once that has all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import ComponentParameters
from conformance.judge import subject
from conformance.judge.checks.admitted_objects import services
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History, Revision
from conformance.recording.service_bodies import ServiceBody

ALL_PERCENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficMovesParameters(ComponentParameters):
    """Parameters of `traffic-moves`."""

    within_seconds: float = 10.0
    """From the moment that the service says so to the last request at another revision."""


@check("traffic-moves", TrafficMovesParameters, "load", "observer", "witness")
def traffic_moves(history: History, parameters: TrafficMovesParameters) -> Finding:
    """Once a service is Ready with all of its traffic at a new revision, no other one is sent a request."""
    component = subject.component(history, parameters)
    known = history.component(component)
    sent = stray = 0
    moved = 0
    latest: tuple[float, str] | None = None
    for begin, end, name in _whole(history, component):
        others = [each for each in known if each.name != name and each.seen < begin]
        if not others:
            continue
        moved += 1
        later, wrong = _sent(history, others, begin + parameters.within_seconds, end)
        sent += later
        stray += len(wrong)
        if len(wrong) and (latest is None or wrong[-1] > latest[0]):
            latest = float(wrong[-1]), f"{wrong[-1] - begin:.1f} s after {name} had all of the traffic"
    if not moved:
        raise NotShownError("no new revision got the traffic")
    if not sent:
        raise NotShownError(
            f"no request later than {parameters.within_seconds:g} s after a new revision had the traffic"
        )
    return exact(
        stray == 0, f"none but the revision with the traffic is sent requests {parameters.within_seconds:g} s later",
        stray, "requests elsewhere", high=0.0, samples=sent,
        exercised=f"{sent:,} requests after a new revision had all of the traffic",
        facts=() if latest is None else (f"t={latest[0]:.1f} s: the last request to another revision, {latest[1]}",),
        moments=() if latest is None else ((latest[0], latest[0], "request to another revision"),),
    )  # fmt: skip


def _whole(history: History, component: str) -> Iterator[tuple[float, float, str]]:
    """(since, until, revision) of the stretches in which a service is Ready and says that one revision has it all."""
    told = ((fact.t, _all_of(fact.body), fact.body.ready.status) for fact in services(history, component))
    changes = [next(same) for _, same in groupby(told, key=itemgetter(1, 2))]
    for (begin, name, ready), (end, _, _) in pairwise([*changes, (history.end, "", "")]):
        if name and ready == "True":
            yield begin, end, name


def _all_of(body: ServiceBody) -> str:
    """Name of the revision that gets all requests; empty where several share them or none does."""
    shares = [
        (str(each.get("revisionName") or ""), each.get("percent")) for each in body.traffic if each.get("percent")
    ]
    return shares[0][0] if len(shares) == 1 and shares[0][1] == ALL_PERCENT else ""


def _sent(history: History, others: Sequence[Revision], since: float, until: float) -> tuple[int, np.ndarray]:
    """How many answered requests were sent in a stretch; in order, when those were that other revisions answered."""
    pods = [pod.name for revision in others for pod in revision.pods]
    count, wrong = 0, [np.zeros(0)]
    for load in history.loads:
        sent = load.rows["sent"]
        inside = (sent >= since) & (sent < until) & ~load.served_by("")
        count += int(inside.sum())
        wrong.append(sent[inside & load.served_by(*pods)])
    return count, np.sort(np.concatenate(wrong))
