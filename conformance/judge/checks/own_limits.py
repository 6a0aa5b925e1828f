"""Checks for thresholds of one's own: how long callers wait, how many get no answer, how many pods it takes.

The catalogue uses none of them, as no documentation promises such a number; requirements of one's own do.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.catalogue.check_parameters import CheckParameters, ComponentParameters
from conformance.judge.finding import Finding, NotShownError, check, exact
from conformance.judge.history import History
from conformance.judge.service_figures import ServiceFigures
from conformance.judge.subject import all_pods


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyParameters(CheckParameters):
    """Parameters of `latency-at-most`."""

    at_most_seconds: float
    """From the moment a request was due to the end of its answer."""
    percentile: float = 99.0
    """Of the answers 200, by nearest rank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShareParameters(CheckParameters):
    """Parameters of `errors-at-most`."""

    at_most_percent: float
    """Of all requests that were due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStartParameters(CheckParameters):
    """Parameters of `cold-start-at-most`."""

    at_most_seconds: float
    """From a pod's creation to its first answer, or to its readiness where nobody waited for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsParameters(ComponentParameters):
    """Parameters of `pods-at-most`."""

    at_most_pods: int
    """Of one component, Pending ones included."""


@check("latency-at-most", LatencyParameters, "load", specific=True, own=True)
def latency_at_most(history: History, parameters: LatencyParameters) -> Finding:
    """A percentile of the latency is no longer than a limit."""
    figures = _loaded(history)
    if not len(figures.latencies):
        raise NotShownError("no request was answered with 200")
    value, limit = figures.percentile(parameters.percentile), parameters.at_most_seconds
    statement = f"p{parameters.percentile:g} of the latency is at most {limit:g} s"
    return exact(value <= limit, statement, value, "s", high=limit, samples=len(figures.latencies), source="claimed")


@check("errors-at-most", ErrorShareParameters, "load", specific=True, own=True)
def errors_at_most(history: History, parameters: ErrorShareParameters) -> Finding:
    """No more than a share of the requests goes without an answer 200."""
    figures = _loaded(history)
    value, limit = 100 * figures.error_share, parameters.at_most_percent
    statement = f"at most {limit:g} % of the requests are without an answer 200"
    found = ", ".join(f"{count} x {name}" for name, count in figures.endings.items())
    return exact(
        value <= limit, statement, value, "%", high=limit, samples=figures.requests, source="claimed", notes=found
    )


@check("cold-start-at-most", ColdStartParameters, "observer", specific=True, own=True)
def cold_start_at_most(history: History, parameters: ColdStartParameters) -> Finding:
    """No pod takes longer than a limit to serve."""
    starts = ServiceFigures(history).cold_starts
    if not starts:
        raise NotShownError("no pod was started")
    slowest = max(starts, key=lambda start: start.total if start.answered is None else start.answered)
    value = slowest.total if slowest.answered is None else slowest.answered
    limit = parameters.at_most_seconds
    parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slowest.parts)
    return exact(value <= limit, f"a pod serves within {limit:g} s", value, "s", high=limit, samples=len(starts),
                 source="claimed", notes=f"the slowest was {slowest.pod}: {parts}")  # fmt: skip


@check("pods-at-most", PodsParameters, "observer", specific=True, own=True)
def pods_at_most(history: History, parameters: PodsParameters) -> Finding:
    """There are never more pods than a limit."""
    pods, limit = all_pods(history, parameters), parameters.at_most_pods
    value = pods.most(0.0, history.end)
    return exact(value <= limit, f"at most {limit} pods", value, "pods", high=limit, source="claimed")


def _loaded(history: History) -> ServiceFigures:
    """Raises NotShownError without a load."""
    figures = ServiceFigures(history)
    if not figures.requests:
        raise NotShownError("no load was recorded")
    return figures
