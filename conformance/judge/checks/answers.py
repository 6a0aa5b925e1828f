"""Checks of what callers got: statuses, losses, duplicates, waiting, balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters, Range
from conformance.judge import path_changes
from conformance.judge.arrivals import Load, Occupancy, Rows
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, check, exact
from conformance.judge.history import History
from conformance.judge.mapped_rows import PIECE_ROWS, pieces
from conformance.recording.rows import RowError
from conformance.recording.run_bodies import WAY, ProbeBody, WitnessBody

SHARE_SAMPLES: Final = 20
"""Requests a pod should have had on average before shares are compared."""


def loads_of(history: History, chosen: tuple[int, ...] = ()) -> list[Load]:
    """The loads in question: those of these numbers, or all. Raises NotShownError without rows."""
    found = [load for load in history.loads if len(load.rows) and (not chosen or load.index in chosen)]
    if not found:
        raise NotShownError("no load was recorded")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredParameters(CheckParameters):
    """Parameters of `answered`."""

    statuses: tuple[int, ...] = (200,)
    """Statuses that an answer may have."""


@check("answered", AnsweredParameters, "load", "capacity", "restart")
def all_answered(history: History, parameters: AnsweredParameters) -> Finding:
    """Every request that was sent is answered with one of the allowed statuses (200 alone by default)."""
    allowed = parameters.statuses
    total = 0
    wrong: Counter[str] = Counter()
    first: tuple[float, str] | None = None
    for load in loads_of(history):
        error = load.rows["error"]
        offered = error != RowError.DROPPED
        total += int(offered.sum())
        for row in load.rows[offered & (~np.isin(load.rows["status"], allowed) | (error != RowError.NONE))]:
            what = str(int(row["status"])) if row["status"] else RowError(int(row["error"])).name
            wrong[what] += 1
            at = float(row["sent"]) if row["sent"] == row["sent"] else float(row["scheduled"])
            if first is None or at < first[0]:
                first = (at, what)
    if not total:
        raise NotShownError("no request was sent")
    count = sum(wrong.values())
    words = ", ".join(f"{number} x {what}" for what, number in sorted(wrong.items()))
    return exact(
        count == 0, "every request is answered with status " + " or ".join(str(each) for each in allowed),
        count, "requests without", high=0.0, samples=total,
        facts=() if first is None else (f"t={first[0]:.1f} s: first {first[1]}; in all {words}",),
        moments=() if first is None else ((first[0], first[0], first[1]),),
        exercised=f"{_number(total, 'request')} while {_comings(history)}",
    )  # fmt: skip


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _comings(history: History) -> str:
    """How many pods came and went under load."""
    came = left = 0
    for load in history.loads:
        came += sum(load.start < pod.first_ready <= load.last for pod in history.pods.values())
        left += sum(load.start < pod.leaves <= load.last for pod in history.pods.values())
    return f"{_number(came, 'pod')} came and {left} went"


@check("not-duplicated", CheckParameters, "load", "witness")
def never_duplicated(history: History, parameters: CheckParameters) -> Finding:
    """No pod holds more requests than callers have in flight at that moment, and none serves more than they sent."""
    total = 0
    most = 0.0
    first: tuple[float, float, float] | None = None
    if not history.loads:
        raise NotShownError("no load was recorded")
    marks = _running(history.loads)
    for load in loads_of(history):
        for piece in pieces(load.rows):
            rows = piece[(piece["status"] == 200) & (piece["in_flight"] > 0)]
            if not len(rows):
                continue
            total += len(rows)
            there = _most_between(marks, rows["sent"], rows["end"])
            over = rows["in_flight"].astype(np.float64) - there
            if over.max() > 0:
                place = int(np.argmax(over > 0))
                most = max(most, float(over.max()))
                first = first or (float(rows["sent"][place]), float(rows["in_flight"][place]), float(there[place]))
    if not total:
        raise NotShownError("no answer told what was in flight in its pod", witness=True)
    counts = _served(history)
    served = counts.get(next(iter(history.components), ""), 0)
    facts: tuple[str, ...] = () if first is None else (
        f"t={first[0]:.1f} s: {first[1]:.0f} requests in one pod while callers had {first[2]:.0f} in flight",
    )  # fmt: skip
    offered = sum(len(load.rows) for load in history.loads) + sum(
        fact.body.name != WAY for fact in history.of(ProbeBody)
    )
    for component, count in counts.items():
        if count > offered:
            most = max(most, float(count - offered))
            facts += (f"{component} served {count} requests, callers sent {offered}",)
    return exact(
        most == 0, "a pod never holds more requests than callers have in flight", most, "requests too many",
        high=0.0, samples=total, facts=facts,
        exercised=f"{_number(total, 'answer')} that told what was in flight, {_number(served, 'request')} served",
    )  # fmt: skip


def _served(history: History) -> dict[str, int]:
    """What pods say they served, by component. A predictor behind a transformer serves each request again, once where
    the transformer is a witness too; how often another transformer asks is its own affair."""
    outer = next(iter(history.components), "")
    counts: dict[str, tuple[str, int]] = {}
    for fact in history.of(WitnessBody):
        pod = history.pods.get(fact.body.pod)
        counts[fact.body.pod] = outer if pod is None else pod.component, fact.body.served
    found: Counter[str] = Counter()
    for component, served in counts.values():
        found[component] += served
    return dict(found) if outer in found else {}


def _running(loads: Sequence[Load]) -> tuple[np.ndarray, np.ndarray]:
    """When requests were sent, in order, and how many were in flight from each on; an end counts after a start at the
    same time. Between two starts there are never more than after the first."""
    there = [~np.isnan(load.rows["sent"]) for load in loads]
    sent = np.concatenate([load.rows["sent"][mask] for load, mask in zip(loads, there, strict=True)])
    ends = np.concatenate([load.rows["end"][mask] for load, mask in zip(loads, there, strict=True)])
    sent.sort()
    ends.sort()
    counts = np.full(len(sent) + 1, -1, np.int32)
    # One more value, below all others, so that a span may end behind the last.
    for begin in range(0, len(sent), PIECE_ROWS):
        part = slice(begin, begin + PIECE_ROWS)
        counts[:-1][part] = np.arange(begin + 1, begin + 1 + len(sent[part])) - np.searchsorted(ends, sent[part])
    return sent, counts


def _most_between(marks: tuple[np.ndarray, np.ndarray], starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    times, counts = marks
    left = np.minimum(np.searchsorted(times, starts), len(times) - 1)
    right = np.maximum(np.searchsorted(times, ends, side="right"), left + 1)
    spans = np.stack((left, right), axis=1).ravel()
    highest: np.ndarray = np.maximum.reduceat(counts, spans)[::2]
    return highest.astype(np.float64)


@check("held-at-zero", CheckParameters, "load", "observer", "capacity", "restart")
def held_at_zero(history: History, parameters: CheckParameters) -> Finding:
    """Requests sent while there is no pod are held until one serves, and answered 200."""
    cold = bad = 0
    longest = 0.0
    first = None
    for load in history.loads:
        rows = load.rows[~np.isnan(load.rows["sent"])]
        up = _first_pod_serving(history, load)
        if up is None:
            continue
        early = rows[rows["sent"] < up]
        cold += len(early)
        wrong = early[early["status"] != 200]
        bad += len(wrong)
        if len(wrong) and first is None:
            first = (float(wrong["sent"].min()), int(wrong["status"][0]))
        if len(early):
            longest = max(longest, float((early["end"] - early["sent"]).max()))
    if not cold:
        raise NotShownError("no request was sent while there was no pod")
    facts = (
        f"{cold} requests met no pod; the longest took {longest:.2f} s",
        *(() if first is None else (f"t={first[0]:.1f} s: first answer other than 200: {first[1] or 'none'}",)),
    )
    return exact(
        bad == 0, "every request sent at zero pods is held and answered 200", bad, "requests not answered 200",
        high=0.0, samples=cold, facts=facts,
        exercised=f"{_number(cold, 'request')} that met no pod, the longest held for {longest:.1f} s",
    )  # fmt: skip


def _first_pod_serving(history: History, load: Load) -> float | None:
    """When the first pod made after the load's start was running, for a load that met no pod; else None."""
    before = sum(revision.total.value(load.start - 0.05) for revision in history.revisions.values())
    if before > 0:
        return None
    running = [pod.running for pod in history.pods.values() if pod.seen >= load.start - 0.05]
    ready = [pod.first_ready for pod in history.pods.values() if pod.seen >= load.start - 0.05]
    found = min(running + ready, default=float("inf"))
    return found if found != float("inf") else load.end


@check("cold-start-shows", CheckParameters, "load", "observer", "witness")
def cold_start_shows(history: History, parameters: CheckParameters) -> Finding:
    """The wait of a cold start is the callers' to see: nobody is answered before a pod can serve."""
    start_seconds = float(history.scenario.start_seconds)
    if start_seconds < 1.0:
        raise NotShownError("the model starts at once")
    waits = []
    for load in history.loads:
        if _first_pod_serving(history, load) is None:
            continue
        # A pod on its way out serves what still reaches it.
        begin = load.start
        leaving = [pod.name for pod in history.pods.values() if pod.leaves <= begin + 0.05 and pod.gone > begin]
        if leaving and load.served_by(*leaving).any():
            continue
        rows = load.rows[load.rows["status"] == 200]
        if len(rows):
            first = rows[np.argmin(rows["sent"])]
            waits.append(float(first["end"] - first["sent"]))
    if not waits:
        raise NotShownError("no request was sent while there was no pod")
    least = min(waits)
    return exact(
        least >= start_seconds, "the first answer from zero takes at least as long as the model's start", least, "s",
        low=start_seconds, samples=len(waits),
        exercised=f"{_number(len(waits), 'start')} from zero, the first answer after {least:.1f} s",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedParameters(CheckParameters):
    """Parameters of `balanced`."""

    most_times_mean: float = 2.0
    """Share of the requests that one pod may get, in mean shares."""
    last_seconds: float = 30.0
    """How much of a load's end is looked at."""


@check("balanced", BalancedParameters, "load", "observer", "witness")
def balanced(history: History, parameters: BalancedParameters) -> Finding:
    """No pod that is ready all along gets more than so many times the mean share of its revision's requests."""
    factor = parameters.most_times_mean
    worst = 0.0
    samples = pods = 0
    for load in loads_of(history):
        start = max(load.start, load.end - parameters.last_seconds)
        inside = (load.rows["sent"] >= start) & (load.rows["status"] == 200)
        for revision in history.revisions.values():
            steady = [pod.name for pod in revision.pods if any(a <= start and b >= load.end for a, b in pod.ready)]
            names = load.pods[inside]
            shares = np.array([int((names == name).sum()) for name in steady])
            # Of the load others may have served the most, such as a later revision.
            if len(steady) < 2 or shares.sum() < SHARE_SAMPLES * len(steady):
                continue
            samples += int(shares.sum())
            pods = max(pods, len(steady))
            worst = max(worst, float(shares.max() / shares.mean()))
    if not samples:
        raise NotShownError("no stretch with several pods ready all along and enough requests for each")
    return exact(
        worst <= factor, f"no ready pod gets more than {factor:g} times the mean share of requests", worst,
        "times the mean share", high=factor, samples=samples, notes=f"{pods} pods ready all along",
        exercised=f"{_number(samples, 'request')} spread over {pods} pods that were ready all along",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusShareParameters(CheckParameters):
    """Parameters of `status-share`."""

    status: int
    """Status that all answers have."""
    after_seconds: Range
    """How long an answer takes."""
    loads: tuple[int, ...] = ()
    """Numbers of the loads in question, from 0; all without any."""


@check("status-share", StatusShareParameters, "load", "restart", specific=True)
def status_share(history: History, parameters: StatusShareParameters) -> Finding:
    """All answers carry the given status, none comes sooner or later than the given seconds."""
    wanted = parameters.status
    least, most = parameters.after_seconds.least, parameters.after_seconds.most
    rows = np.concatenate([load.rows for load in loads_of(history, parameters.loads)])
    rows = rows[~np.isnan(rows["sent"])]
    took = rows["end"] - rows["sent"]
    good = (rows["status"] == wanted) & (took >= least) & (took <= most)
    share = float(good.mean()) if len(rows) else 0.0
    seen = Counter(int(status) for status in rows["status"])
    text = ", ".join(f"{number} x {status or 'none'}" for status, number in sorted(seen.items()))
    longest = float(took.max()) if len(took) else 0.0
    return exact(
        share == 1.0, f"every answer has status {wanted} after {least:g} to {most:g} s", share, "share of requests",
        low=1.0, high=1.0, samples=len(rows), facts=(f"{text}; the longest took {longest:.2f} s",),
        exercised=f"{_number(len(rows), 'request')}, the longest of {longest:.1f} s",
    )  # fmt: skip


@check("long-requests", CheckParameters, "load", "observer", "restart")
def long_requests(history: History, parameters: CheckParameters) -> Finding:
    """A request that runs when its pod is chosen for removal is completed."""
    caught = bad = 0
    first = None
    for load in history.loads:
        rows = load.rows
        for name in load.names[1:]:
            pod = history.pods.get(str(name))
            if pod is None or pod.leaves == float("inf"):
                continue
            during = load.served_by(str(name)) & (rows["sent"] < pod.leaves) & (rows["end"] > pod.leaves)
            caught += int(during.sum())
        wrong = rows[(rows["status"] != 200) & ~np.isnan(rows["sent"])]
        leaving = np.array([pod.leaves for pod in history.pods.values() if pod.leaves != float("inf")])
        for row in wrong:
            if len(leaving) and np.any((leaving >= row["sent"]) & (leaving <= row["end"] + 1.0)):
                bad += 1
                first = first or (float(row["end"]), int(row["status"]))
    if caught + bad == 0:
        raise NotShownError("no request was running in a pod when that pod was chosen for removal")
    return exact(
        bad == 0, "a request running when its pod is removed is completed", bad, "requests cut", high=0.0,
        samples=caught + bad, exercised=f"{_number(caught + bad, 'request')} that ran when a pod was chosen to go",
        facts=(() if first is None else (f"t={first[0]:.1f} s: first cut, status {first[1] or 'none'}",)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadParameters(CheckParameters):
    """Parameters of `spread`."""

    least_pods: int = 2
    """Pods that serve at the least, the one that was there included."""


@check("spread", SpreadParameters, "load", "observer", "witness")
def spread(history: History, parameters: SpreadParameters) -> Finding:
    """Requests that were waiting before a scale-up are served by new pods as well."""
    least = parameters.least_pods
    late = set()
    waited = 0
    for load in loads_of(history):
        for row, name in zip(load.rows, load.pods, strict=True):
            pod = history.pods.get(str(name))
            if pod is not None and row["status"] == 200:
                waited += int(row["end"] - row["sent"] > row["model_seconds"] + 0.5)
                if pod.seen > load.start:
                    late.add(pod.name)
    created = sum(pod.seen > history.loads[0].start for pod in history.pods.values())
    if not waited or not created:
        raise NotShownError("nothing waited, or no pod was added")
    if _direct(history, history.loads[0].start):
        raise OutOfReachError("pods served directly, without an activator: what queued in one is served by that one")
    return exact(
        len(late) >= least - 1, "requests queued before a scale-up are also served by the new pods", len(late),
        "new pods that served", low=float(least - 1), samples=waited,
        exercised=f"{_number(waited, 'request')} that waited, {_number(created, 'pod')} added meanwhile",
    )  # fmt: skip


def _direct(history: History, t: float) -> bool:
    """Whether the activator was out of the path at a moment (ServerlessService mode Serve)."""
    modes = [mode for revision in history.revisions.values() for at, mode in revision.modes if at <= t]
    return bool(modes) and modes[-1] != path_changes.PROXY


def in_flight_of(rows: Rows) -> Occupancy:
    """Requests in flight as callers hold them."""
    sent = rows[~np.isnan(rows["sent"]) & ~np.isnan(rows["end"])]
    return Occupancy(sent["sent"].astype(np.float64), sent["end"].astype(np.float64))
