"""One scenario as curves, lanes and marks for plotting; times in seconds from the recording's origin."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge import arrivals, scaling
from conformance.judge.band import Band, band
from conformance.judge.cold_starts import ColdStart, cold_starts
from conformance.judge.history import History, Revision, Span
from conformance.judge.judged_run import JudgedRun
from conformance.judge.pod_timeline import PodTimeline
from conformance.judge.step_function import StepFunction
from conformance.recording.pod_bodies import EventBody
from conformance.recording.rows import RowError
from conformance.recording.run_bodies import EndBody, GapBody, NoteBody, Outcome
from conformance.recording.service_bodies import AutoscalerResourceBody
from reports.sampling import thin

Floats = NDArray[np.float64]

OK: Final = 0
POINTS: Final = 100_000
"""Requests drawn one by one in a whole page; at 9 bytes each they take 1.2 MB."""
HTTP_ERROR: Final = 16
"""Outcome classes of a request: 0 answered 200, 1 to 6 as in `RowError`, 16 another status."""
MAX_EVENTS: Final = 400


@dataclass(frozen=True)
class Curve:
    """A step curve: from `times[i]` on the value is `values[i]`; NaN where unknown."""

    times: Floats
    values: Floats

    @classmethod
    def of(cls, stairs: StepFunction, end: float) -> Curve:
        """A stairs' corners, from 0 to `end`."""
        times = np.concatenate(([0.0], stairs.times[(stairs.times > 0) & (stairs.times < end)], [end]))
        return cls(times, stairs.at(times))


@dataclass(frozen=True)
class Component:
    """The pods of one component over time, all its revisions together."""

    name: str
    desired: Curve | None
    ready: Curve
    total: Curve
    pending: Curve
    band: tuple[Floats, Floats, Floats] | None = None
    """Seconds, lowest and highest count allowed."""
    panics: tuple[tuple[float, float], ...] = ()
    """When every conforming autoscaler is in panic."""
    maybe: tuple[tuple[float, float], ...] = ()
    """When some conforming autoscaler is."""
    unit: str = ""
    """What the autoscaler counts."""
    measured: tuple[tuple[str, Curve], ...] = ()
    """Its means over both windows, as the load gives them and as it told them itself."""


@dataclass(frozen=True)
class Requests:
    """Arrivals of all loads, thinned for drawing."""

    start: Floats
    """When each was due."""
    latency: Floats
    """Seconds from then to the end of its answer, or to when waiting stopped."""
    outcome: NDArray[np.uint8]
    count: int
    """How many there were before thinning."""
    percentiles: tuple[tuple[str, float], ...]
    errors: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Trace:
    """Everything drawn for one scenario."""

    name: str
    end: float
    seconds: Floats
    """Middles of the seconds that the next three are means over."""
    offered: Floats
    answered: Floats
    in_flight: Floats
    components: tuple[Component, ...]
    requests: Requests
    pods: tuple[PodTimeline, ...]
    cold_starts: tuple[ColdStart, ...]
    events: tuple[tuple[float, str, str, str, str], ...]
    """t, kind, name, reason, message."""
    gaps: tuple[tuple[float, float], ...]
    spans: tuple[Span, ...] = ()


def traces(judged: JudgedRun) -> dict[str, Trace]:
    """All recordings of a run by scenario name."""
    share = POINTS // max(1, len(judged.histories))
    return {name: trace(history, share) for name, history in sorted(judged.histories.items())}


def trace(history: History, points: int) -> Trace:
    """Curves of a recording, with at most about `points` requests drawn one by one."""
    end = max(history.end, *(load.last for load in history.loads if len(load.rows)), 1.0)
    edges = np.arange(0.0, math.ceil(end) + 1.0)
    rows = _rows(history)
    sent = arrivals.sent(rows)
    answered = arrivals.answered(rows)
    ends = np.where(np.isnan(sent["end"]), end, sent["end"])
    return Trace(
        name=history.name,
        end=end,
        seconds=(edges[:-1] + edges[1:]) / 2,
        offered=arrivals.Arrivals(rows["scheduled"]).mean(edges),
        answered=arrivals.Arrivals(answered["end"]).mean(edges),
        in_flight=np.maximum(arrivals.Occupancy(sent["sent"], ends).mean(edges), 0.0),
        components=tuple(_component(history, name, end) for name in history.components),
        requests=_requests(rows, end, points),
        pods=tuple(sorted(history.pods.values(), key=lambda pod: (pod.component, pod.revision, pod.seen, pod.name))),
        cold_starts=tuple(cold_starts(history)),
        events=tuple(_events(history))[:MAX_EVENTS],
        gaps=tuple((fact.body.start, fact.body.end) for fact in history.of(GapBody)),
        spans=history.spans,
    )


def _rows(history: History) -> Any:
    if not history.loads:
        return np.empty(0, dtype=arrivals.ROWS)
    return np.concatenate([load.rows for load in history.loads])


def _component(history: History, name: str, end: float) -> Component:
    revisions = history.component(name)
    pods = [pod for revision in revisions for pod in revision.pods]
    desired = [revision.desired for revision in revisions if revision.desired is not None]
    if not desired and (wanted := _by_resource(history, name)) is not None:
        desired = [wanted]
    total, ready = StepFunction.counting([p.seen for p in pods], [p.leaves for p in pods]), _ready(pods)
    times = np.unique(np.concatenate((total.times, ready.times)))
    pending = StepFunction(times, np.maximum(total.at(times) - ready.at(times), 0.0))
    bands = [band(history, revision) for revision in revisions if revision.desired is not None and revision.pods]
    return Component(
        name=name,
        desired=Curve.of(_sum(desired), end) if desired else None,
        ready=Curve.of(ready, end),
        total=Curve.of(total, end),
        pending=Curve.of(pending, end),
        band=_together(bands) if bands else None,
        panics=tuple(span for entry in bands for span in spans(entry.times, entry.must_panic > 0)),
        maybe=tuple(span for entry in bands for span in spans(entry.times, entry.may_panic > 0)),
        unit=_unit(history, revisions),
        measured=tuple(_measured(history, revisions)),
    )


def _unit(history: History, revisions: list[Revision]) -> str:
    found = [entry.unit for each in revisions if (entry := scaling.measured(history, each)) is not None]
    return found[-1] if found else ""


def _measured(history: History, revisions: list[Revision]) -> Iterator[tuple[str, Curve]]:
    """Of several revisions the last: it takes the traffic."""
    served = [each for each in revisions if each.desired is not None and each.pods]
    if not served:
        return
    found = scaling.measured(history, served[-1])
    if found is not None:
        yield "stable", Curve(found.times, found.stable)
        yield "panic", Curve(found.times, found.panic)
    figures = scaling.reported(history, served[-1])
    for name in ("stable", "panic"):
        points = [(t, values[name]) for t, values in figures if name in values]
        if points:
            yield f"{name}, told", Curve(np.array([t for t, _ in points]), np.array([value for _, value in points]))


def _by_resource(history: History, component: str) -> StepFunction | None:
    """What a HorizontalPodAutoscaler of the component wants, where there is no PodAutoscaler."""
    points = [
        (fact.t, float(fact.body.desired))
        for fact in history.of(AutoscalerResourceBody)
        if fact.body.component == component and fact.body.desired is not None
    ]
    return StepFunction.of(points, math.nan) if points else None


def _together(bands: list[Band]) -> tuple[Floats, Floats, Floats]:
    """The sum of the revisions' bands where any of them changes; outside its own time one counts nothing."""
    every = np.unique(np.concatenate([entry.times for entry in bands]))
    low, high = np.zeros(len(every)), np.zeros(len(every))
    for entry in bands:
        position = np.searchsorted(entry.times, every, side="right") - 1
        inside = (position >= 0) & (every <= entry.times[-1])
        low += np.where(inside, entry.low[np.maximum(position, 0)], 0.0)
        high += np.where(inside, entry.high[np.maximum(position, 0)], 0.0)
    changes = (np.diff(low, prepend=np.nan) != 0) | (np.diff(high, prepend=np.nan) != 0)
    corners: NDArray[np.intp] = np.append(np.flatnonzero(changes), len(every) - 1)
    return every[corners], low[corners], high[corners]


def spans(times: Floats, on: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """(start, end) of the stretches where a condition holds."""
    edges = np.diff(on.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    last = len(times) - 1
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [(float(times[start]), float(times[min(end, last)])) for start, end in pairs]


def _ready(pods: Iterable[PodTimeline]) -> StepFunction:
    spans = [span for pod in pods for span in pod.ready]
    return StepFunction.counting([start for start, _ in spans], [end for _, end in spans])


def _sum(stairs: list[StepFunction]) -> StepFunction:
    times = np.unique(np.concatenate([entry.times for entry in stairs]))
    values = np.stack([entry.at(times) for entry in stairs])
    total = np.where(np.isnan(values).all(axis=0), math.nan, np.nansum(values, axis=0))
    return StepFunction(times, total, math.nan)


def _requests(rows: Any, end: float, points: int) -> Requests:
    over = np.where(np.isnan(rows["end"]), end, rows["end"])
    latency = np.maximum(over - rows["scheduled"], 0.0)
    other = (rows["error"] == RowError.NONE) & (rows["status"] != 200)
    outcome = np.where(other, HTTP_ERROR, rows["error"]).astype(np.uint8)
    kept = thin(rows["scheduled"], latency, outcome != OK, points)
    good = latency[outcome == OK]
    percentiles: list[tuple[str, float]] = []
    if len(good):
        percentiles = [(f"p{q:g}", float(np.percentile(good, q))) for q in (50, 90, 95, 99)]
        percentiles += [("longest", float(good.max()))]
    return Requests(
        start=rows["scheduled"][kept],
        latency=latency[kept],
        outcome=outcome[kept],
        count=len(rows),
        percentiles=tuple(percentiles),
        errors=tuple(_errors(rows, outcome)),
    )


def _errors(rows: Any, outcome: NDArray[np.uint8]) -> Iterable[tuple[str, int]]:
    for error in RowError:
        if error is not RowError.NONE and (count := int((outcome == error).sum())):
            yield error.name.lower(), count
    statuses, counts = np.unique(rows["status"][outcome == HTTP_ERROR], return_counts=True)
    yield from ((f"status {status}", int(count)) for status, count in zip(statuses, counts, strict=True))


def _events(history: History) -> Iterable[tuple[float, str, str, str, str]]:
    for fact in history.facts:
        match fact.body:
            case EventBody() as event:
                yield fact.t, event.kind, event.name, event.reason, event.message
            case NoteBody() as note:
                yield fact.t, "note", "", note.level, note.text
            case EndBody() as end if end.outcome is not Outcome.COMPLETE:
                yield fact.t, "end", "", end.outcome.value, end.reason
