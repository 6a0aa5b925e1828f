"""Traces as the page's script wants them, and in words for those who do not see curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.judge.pod_timeline import PodTimeline
from conformance.judge.verdict_text import number
from reports.packing import floats, small
from reports.sampling import finite
from reports.trace import Component, Curve, Floats, Trace


def packed(found: Trace) -> dict[str, Any]:
    """Plain JSON of one scenario; arrays packed."""
    return {
        "name": found.name,
        "end": found.end,
        "load": {
            "x": floats(found.seconds),
            "offered": floats(found.offered),
            "answered": floats(found.answered),
            "in_flight": floats(found.in_flight),
        },
        "components": [_component(entry) for entry in found.components],
        "requests": {
            "x": floats(found.requests.start),
            "y": floats(found.requests.latency),
            "outcome": small(found.requests.outcome),
        },
        "pods": [_pod(entry) for entry in found.pods],
        "spans": [[span.name, span.kind, span.start, min(span.end, found.end)] for span in found.spans],
        "gaps": [list(gap) for gap in found.gaps],
    }


def _component(entry: Component) -> dict[str, Any]:
    times = [entry.ready.times, entry.total.times, entry.pending.times]
    if entry.desired is not None:
        times.append(entry.desired.times)
    if entry.band is not None:
        times.append(entry.band[0])
    x = np.unique(np.concatenate(times))
    body: dict[str, Any] = {
        "name": entry.name,
        "x": floats(x),
        "ready": floats(_held(entry.ready.times, entry.ready.values, x)),
        "total": floats(_held(entry.total.times, entry.total.values, x)),
        "pending": floats(_held(entry.pending.times, entry.pending.values, x)),
        "panics": [list(span) for span in entry.panics],
        "maybe": [list(span) for span in entry.maybe],
    }
    if entry.desired is not None:
        body["desired"] = floats(_held(entry.desired.times, entry.desired.values, x))
    if entry.measured:
        seconds = entry.measured[0][1].times
        body["measured"] = {
            "unit": entry.unit,
            "x": floats(seconds),
            "lines": [[name, floats(_held(curve.times, curve.values, seconds))] for name, curve in entry.measured],
        }
    if entry.band is not None:
        seconds, low, high = entry.band
        body["low"] = floats(_held(seconds, low, x))
        body["high"] = floats(_held(seconds, high, x))
    return body


def _held(times: Floats, values: Floats, x: Floats) -> Floats:
    """The step curve's values at x, NaN before its first time."""
    index = np.searchsorted(times, x, side="right") - 1
    return np.where(index >= 0, values[np.maximum(index, 0)], np.nan)


def _pod(pod: PodTimeline) -> dict[str, Any]:
    return {
        "name": pod.name,
        "component": pod.component,
        "seen": pod.seen,
        "scheduled": finite(pod.scheduled),
        "running": finite(pod.running),
        "ready": [[start, finite(end)] for start, end in pod.ready],
        "deleting": finite(pod.deleting),
        "gone": finite(pod.gone),
    }


def sentences(found: Trace) -> list[str]:
    """What the curves show, a sentence each."""
    told = []
    requests = found.requests
    if requests.count:
        peak = float(np.max(found.in_flight)) if len(found.in_flight) else 0.0
        failed = sum(count for _, count in requests.errors)
        told.append(
            f"{requests.count} requests, {failed} of them without an answer 200; at most "
            f"{number(float(np.max(found.offered)))} a second and {number(peak)} in flight."
        )
    for component in found.components:
        told.append(_pods(component))
    return told


def _pods(component: Component) -> str:
    ready = component.ready
    peak = float(np.max(ready.values))
    text = f"Pods of the {component.name}: at most {number(peak)} ready, first at {_first(ready, peak)} s"
    if component.desired is not None and np.isfinite(component.desired.values).any():
        wanted = float(np.nanmax(component.desired.values))
        text += f"; at most {number(wanted)} wanted, first at {_first(component.desired, wanted)} s"
    text += f"; {number(float(ready.values[-1]))} ready at the end."
    if component.panics:
        spans = ", ".join(f"{start:.0f} to {end:.0f} s" for start, end in component.panics)
        text += f" Panic: {spans}."
    return text


def _first(curve: Curve, value: float) -> str:
    return f"{float(curve.times[np.argmax(curve.values >= value)]):.1f}"


def table(found: Trace, step_seconds: float = 5.0) -> tuple[list[str], list[list[str]]]:
    """The curves as a table, every few seconds: header and rows. Rates are means over the step, counts are moments."""
    header = ["second", "offered/s", "answered/s", "in flight"]
    moments = np.arange(0.0, found.end, max(step_seconds, found.end / 120))
    columns: list[Floats] = [moments]
    for values in (found.offered, found.answered, found.in_flight):
        edges = np.append(moments, found.end)
        columns.append(_means(found.seconds, values, edges))
    for component in found.components:
        for word, curve in (("wanted", component.desired), ("there", component.total), ("ready", component.ready)):
            if curve is not None:
                header.append(f"{component.name} {word}")
                columns.append(_held(curve.times, curve.values, moments))
        for word, curve in component.measured:
            header.append(f"{component.name} {word}")
            columns.append(_held(curve.times, curve.values, moments))
    rows = [[_cell(float(value)) for value in row] for row in np.stack(columns, axis=1)]
    return header, rows


def _means(x: Floats, values: Floats, edges: Floats) -> Floats:
    bins = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    sums = np.bincount(bins, weights=values, minlength=len(edges) - 1)
    counts = np.bincount(bins, minlength=len(edges) - 1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _cell(value: float) -> str:
    return number(round(value, 2)) if np.isfinite(value) else ""
