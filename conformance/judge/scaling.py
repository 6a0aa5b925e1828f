"""The scaling dashboard's figures of a component: what its autoscaler measures, and what it reported of it.

Measured means are those of the load that reached the component, over the stable and over the panic window; they are the
platform's own only as far as it counts what came. Reported figures come from its log or from a Prometheus. Neither
bears on a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.judge.demand import demand
from conformance.judge.expectations import parameters
from conformance.judge.history import History, Revision
from conformance.judge.step_function import Floats
from conformance.model.keys import RPS
from conformance.recording.run_bodies import MetricBody

STEP_SECONDS: Final = 1.0
NEAR_SECONDS: Final = 30.0
"""A figure older than this says nothing of a moment: the usual time between two scrapes."""
REPORTED: Final = ("desired", "stable", "panic", "panicking")
NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "stable": ("stable_concurrency", "stable_rps"),
    "panic": ("panic_concurrency", "panic_rps"),
}
"""Where Prometheus keeps apart what the log calls by one name: by concurrency, by rate."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over the autoscaler's windows, summed over pods; requests in flight, or requests per second."""

    unit: str
    times: Floats
    stable: Floats
    panic: Floats


def measured(history: History, revision: Revision) -> Measured | None:
    """What a revision's autoscaler has to measure, once a second; None without a load."""
    settings = parameters(history, revision)
    load = demand(history, revision, settings.metric)
    if not len(load.sent):
        return None
    times = np.arange(revision.seen, history.end, STEP_SECONDS)

    def mean(seconds: float) -> Floats:
        begin = np.maximum(times - seconds, revision.seen)
        spent = load.most.counted.between(begin, times)
        found: Floats = spent / np.maximum(times - begin, STEP_SECONDS)
        return found

    unit = "requests per second" if settings.metric == RPS else "requests in flight"
    return Measured(unit, times, mean(settings.stable_window_seconds), mean(settings.panic_window_seconds))


def reported(history: History, revision: Revision) -> list[tuple[float, dict[str, float]]]:
    """(t, figures by name) that the platform gave out of a revision, in order; a log that names no revision speaks of
    the only one."""
    by_rate = parameters(history, revision).metric == RPS
    alone = len(history.revisions) == 1
    found = []
    for fact in history.of(MetricBody):
        body = fact.body
        if body.revision == revision.name or (body.revision is None and alone):
            found.append((fact.t if body.at is None else float(body.at), _by_plain_names(body.values, by_rate)))
    return sorted(found, key=lambda entry: entry[0])


def last_report(history: History, revision: Revision, t: float) -> str:
    """What the platform reported last before a moment, as a sentence; empty where it reported nothing near it."""
    near = [(at, values) for at, values in reported(history, revision) if t - NEAR_SECONDS <= at <= t]
    if not near:
        return ""
    at, values = near[-1]
    figures = ", ".join(f"{name} {values[name]:g}" for name in REPORTED if name in values)
    return f"t={at:.1f} s: the autoscaler itself told {figures}" if figures else ""


def _by_plain_names(values: Mapping[str, float], by_rate: bool) -> dict[str, float]:
    found = {name: float(value) for name, value in values.items()}
    for name, (flight, rate) in NAMES.items():
        other = rate if by_rate else flight
        if name not in found and other in found:
            found[name] = found[other]
    return found
