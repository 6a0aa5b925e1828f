"""A run's curves as time series for one's own dashboards: OpenMetrics text with timestamps, and CSV.

Both have one sample a second of everything that the report draws, stamped with Unix time, so that a run lies beside
what the platform's own monitoring has of the same minutes. OpenMetrics is what Prometheus imports
(`promtool tsdb create-blocks-from openmetrics`); CSV is one sample a line.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.judge.arrivals import answered
from conformance.judge.history import History
from conformance.judge.judged_run import JudgedRun
from reports.trace import Component, Curve, Floats, Trace, trace

PREFIX: Final = "conformance_"
HELP: Final[Mapping[str, str]] = {
    "requests_offered_per_second": "Requests that were due.",
    "requests_answered_per_second": "Answers with status 200.",
    "requests_in_flight": "Requests sent and not yet answered.",
    "latency_seconds": "Latency of the answers of this second from when each was due, by quantile.",
    "pods": "Pods without a deletion timestamp.",
    "pods_ready": "Pods that are Ready and not on their way out.",
    "pods_wanted": "Pods that the platform's autoscaler wanted.",
    "pods_allowed_least": "The fewest pods that a conforming autoscaler may want.",
    "pods_allowed_most": "The most pods that a conforming autoscaler may want.",
    "panic": "1 while every conforming autoscaler is in panic mode.",
}
"""Metrics by name, without their prefix; all are gauges."""
QUANTILES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    wall: float
    """Unix seconds."""
    value: float


def samples(judged: JudgedRun) -> Iterator[Sample]:
    """Metric by metric, each series in order of time; what is not known at a time is left out."""
    drawn = [(history, trace(history, 1)) for _, history in sorted(judged.histories.items())]
    for metric in HELP:
        for history, found in drawn:
            own = (("run", judged.run.id), ("scenario", history.name))
            for labels, seconds, values in _series(metric, history, found):
                for t, value in zip(seconds, values, strict=True):
                    if math.isfinite(value):
                        yield Sample(metric, (*own, *labels), history.wall(float(t)), float(value))


def openmetrics(found: Iterable[Sample]) -> Iterator[str]:
    """Lines of the OpenMetrics text format, the last of which says so."""
    before = ""
    for sample in found:
        if sample.metric != before:
            before = sample.metric
            yield f"# TYPE {PREFIX}{before} gauge"
            if before.endswith("_seconds"):
                yield f"# UNIT {PREFIX}{before} seconds"
            yield f"# HELP {PREFIX}{before} {HELP[before]}"
        labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels)
        yield f"{PREFIX}{sample.metric}{{{labels}}} {sample.value:.6g} {sample.wall:.3f}"
    yield "# EOF"


def table(found: Iterable[Sample]) -> Iterator[str]:
    """Lines of CSV: time, metric, run, scenario, component, quantile, value."""
    names = ("run", "scenario", "component", "quantile")
    yield _row(["time", "metric", *names, "value"])
    for sample in found:
        labels = dict(sample.labels)
        row = [f"{sample.wall:.3f}", sample.metric, *(labels.get(name, "") for name in names), f"{sample.value:.6g}"]
        yield _row(row)


Series = tuple[tuple[tuple[str, str], ...], Floats, Floats]
"""Labels, seconds from the recording's origin, values."""


def _series(metric: str, history: History, found: Trace) -> Iterator[Series]:
    loads = {
        "requests_offered_per_second": found.offered,
        "requests_answered_per_second": found.answered,
        "requests_in_flight": found.in_flight,
    }
    if metric in loads:
        if found.requests.count:
            yield (), found.seconds, loads[metric]
    elif metric == "latency_seconds":
        yield from _latencies(history)
    else:
        moments = np.arange(0.0, found.end, 1.0)
        for component in found.components:
            curve = _curve(metric, component, moments)
            if curve is not None:
                yield (("component", component.name),), moments, curve


def _curve(metric: str, component: Component, moments: Floats) -> Floats | None:
    curves = {"pods": component.total, "pods_ready": component.ready, "pods_wanted": component.desired}
    if metric in curves:
        return _at(curves[metric], moments)
    if component.band is None:
        return None
    seconds, low, high = component.band
    if metric == "panic":
        return np.array([float(any(start <= t < end for start, end in component.panics)) for t in moments])
    return _at(Curve(seconds, low if metric == "pods_allowed_least" else high), moments)


def _at(curve: Curve | None, moments: Floats) -> Floats | None:
    if curve is None:
        return None
    index = np.searchsorted(curve.times, moments, side="right") - 1
    found: Floats = np.where(index >= 0, curve.values[np.maximum(index, 0)], np.nan)
    return found


def _latencies(history: History) -> Iterator[Series]:
    rows = [answered(load.rows) for load in history.loads]
    ends = np.concatenate([each["end"] for each in rows]) if rows else np.zeros(0)
    taken = np.concatenate([each["end"] - each["scheduled"] for each in rows]) if rows else np.zeros(0)
    seconds = np.floor(ends).astype(int)
    groups = {int(second): np.sort(taken[seconds == second]) for second in np.unique(seconds)}
    moments = np.array([second + 0.5 for second in groups])
    for quantile in QUANTILES:
        values = [group[max(0, math.ceil(quantile * len(group)) - 1)] for group in groups.values()]
        yield (("quantile", f"{quantile:g}"),), moments, np.array(values, dtype=np.float64)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _row(cells: Iterable[str]) -> str:
    place = io.StringIO()
    csv.writer(place, lineterminator="").writerow(cells)
    return place.getvalue()
