"""Checks of pod counts against the band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from conformance.catalogue.check_parameters import ComponentParameters
from conformance.catalogue.entries import OneOf
from conformance.judge import failed_scrapes
from conformance.judge.band import ADDING_SECONDS, EDGE_SECONDS, REMOVING_SECONDS, STEP_SECONDS, Band, Outside, outside
from conformance.judge.finding import Finding, NotShownError, PodCounts, check, exact, margin, verdict
from conformance.judge.history import History, Revision
from conformance.judge.judgement import Expected, Measured
from conformance.judge.step_function import StepFunction
from conformance.judge.subject import loaded


def counts(history: History, revision: Revision) -> list[tuple[str, StepFunction, float, float]]:
    """(what, counts, seconds granted to add, seconds granted to remove) of all that shows how many pods there are."""
    judged = history.counts(revision)
    found = [("pods", judged.total, ADDING_SECONDS, REMOVING_SECONDS)]
    if judged.desired is not None:
        found.append(("desired", judged.desired, 0.0, 0.0))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BandParameters(ComponentParameters):
    """Parameters of `band`."""

    tolerance_pod_seconds: float = 3.0
    """Pods x seconds that may lie outside."""
    part: Annotated[str, OneOf(("whole", "below"))] = "whole"
    """`below` where only too few pods count."""


@check("band", BandParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def inside_band(history: History, parameters: BandParameters) -> Finding:
    """Pods and wanted pods stay inside the band; at most so many pods x seconds outside."""
    tolerance = parameters.tolerance_pod_seconds
    worst: tuple[float, str, Outside, Band] | None = None
    pairs = loaded(history, parameters)
    for revision, limits in pairs:
        for what, seen, adding, removing in counts(history, revision):
            low = limits.around(adding, 0.0)[0]
            high = limits.around(removing, 0.0)[1]
            if parameters.part == "below":
                high = np.full_like(high, np.inf)
            found = outside(seen, low, high, limits.times, limits.times[0], history.end)
            area = found.above + found.below
            if worst is None or area > worst[0]:
                worst = (area, f"{what} of {revision.name}", found, limits)
    assert worst is not None
    area, what, found, limits = worst
    ok = area <= tolerance
    facts = () if area == 0 else (_left(what, found, limits),)
    moments = () if np.isnan(found.first) else ((found.first, found.last + STEP_SECONDS, f"{what} outside the band"),)
    statement = (
        "pods stay between the least and the most that a conforming autoscaler may want for the recorded load; "
        f"at most {tolerance:g} pods x seconds outside"
    )
    return Finding(
        verdict(ok),
        Expected("modelled", statement, 0.0, tolerance, "pods x seconds"),
        Measured(round(area, 3), "pods x seconds", samples=sum(len(each.times) for _, each in pairs)),
        margin(area, tolerance) if ok else None,
        facts,
        moments,
        notes=f"band at its highest {limits.low.max():g}..{limits.high.max():g} pods",
    )


def _left(what: str, found: Outside, limits: Band) -> str:
    place = limits.index(found.first)
    side = "above" if found.worst > 0 else "below"
    return (
        f"t={found.first:.1f} s: {what} up to {abs(found.worst):g} {side} the band, which was "
        f"{limits.low[place]:g}..{limits.high[place]:g} pods; {found.above:.1f} pods x s above, {found.below:.1f} below"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakParameters(ComponentParameters):
    """Parameters of `peak`."""

    least_pods: int = 0
    """Pods that the load has to ask for, at the least, for it to show."""


@check("peak", PeakParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED)
def reaches_peak(history: History, parameters: PeakParameters) -> Finding:
    """The highest pod count is one that the model gives for the delivered load."""
    results = []
    for revision, limits in loaded(history, parameters):
        results.append((revision, limits, *_peak(history, revision, limits)))
    revision, limits, peak, low, high = max(results, key=lambda entry: entry[4])
    if high < parameters.least_pods:
        raise NotShownError(f"the load asked for {high:g} pods at the most, this needs {parameters.least_pods:g}")
    at = history.counts(revision).total.first(limits.times[0], limits.times[-1], peak)
    load = limits.demand
    statement = f"at the most ceil(load / {limits.parameters.target_value:g}) pods within the recorded load's own range"
    facts = (
        f"t={at or 0.0:.1f} s: {peak:g} pods; {limits.parameters.metric} measured over the load "
        f"{_range(limits)}, target per pod {limits.parameters.target_value:g}",
    )
    return exact(
        low <= peak <= high, statement, peak, "pods",
        low=low, high=high, samples=len(load.sent), source="modelled", facts=facts,
        moments=((at or 0.0, at or 0.0, f"{peak:g} pods"),),
    )  # fmt: skip


def _peak(history: History, revision: Revision, limits: Band) -> tuple[float, float, float]:
    values = history.counts(revision).total.values
    peak = float(values.max()) if len(values) else 0.0
    return peak, float(limits.low.max()), float(limits.high.max())


@dataclass(frozen=True, slots=True, kw_only=True)
class FullInTimeParameters(ComponentParameters):
    """Parameters of `full-in-time`."""

    least_pods: int = 4
    """Pods that the load has to ask for, at the least, for it to show."""
    slack_seconds: float = 1.25
    """How much sooner or later than all of the ensemble a count may be wanted: its ticks and its reports are up to half
    a second apart each, and a change is stamped up to a quarter of a second late."""


@check(
    "full-in-time", FullInTimeParameters, "load", "observer", "capacity", "clock", "config", counts=PodCounts.DECIDED
)
def full_in_time(history: History, parameters: FullInTimeParameters) -> Finding:
    """Each count on the way to what a load asks for is first wanted neither before any conforming autoscaler wants it
    nor after all do: which tells the length of the window that it is decided by."""
    found: list[tuple[float, float, float, float, float]] = []
    for revision, limits in loaded(history, parameters):
        full = float(limits.low.max())
        wanted = history.counts(revision).desired
        if wanted is not None and full >= max(parameters.least_pods, limits.parameters.min_scale + 1):
            # What is wanted before the load, such as the initial scale, no load has asked for.
            begin = limits.demand.start
            before = float(np.nanmax(wanted.within(limits.times[0], begin), initial=1.0))
            least = max(before, float(limits.parameters.min_scale)) + 1.0
            found += [_step(history, revision, wanted, limits, begin, step, parameters.slack_seconds)
                      for step in np.arange(least, full + 1.0)]  # fmt: skip
    if not found:
        raise NotShownError(f"no load asks for {parameters.least_pods} pods, or no wanted count is seen")
    off, at, earliest, latest, count = max(found)
    return exact(
        off <= 0, "each count up to the full one is first wanted when a conforming autoscaler may want it", at,
        "s from the origin", low=earliest, high=latest, samples=len(found), source="modelled",
        facts=(f"t={at:.1f} s: {count:g} pods wanted first; due from {earliest:.1f} to {latest:.1f} s",),
        moments=((min(at, earliest), max(at, latest), f"{count:g} pods"),),
    )  # fmt: skip


def _step(
    history: History, revision: Revision, desired: StepFunction, limits: Band, begin: float, count: float, slack: float
) -> tuple[float, float, float, float, float]:
    """(seconds too early or too late, first wanted, earliest, latest, count)."""
    # The band's edges are widened for what pods do to a panic's end; a load that rises does not need that.
    loaded_from = limits.times >= begin - EDGE_SECONDS
    earliest = float(limits.times[np.argmax(loaded_from & (limits.high >= count))]) + EDGE_SECONDS
    if not limits.parameters.scrape:
        # Nothing is heard of an idle service then, so that the first report alone is the mean, whenever it comes.
        earliest = begin
    latest = float(limits.times[np.argmax(loaded_from & (limits.low >= count))]) - EDGE_SECONDS
    seen = desired.first(begin, history.end, count)
    at = history.end if seen is None else seen
    if at - latest > slack and failed_scrapes.may_matter(history, revision, latest):
        latest = max(latest, min(failed_scrapes.first_wanted_latest(history, revision, begin, count), history.end))
    return max(earliest - at, at - latest) - slack, at, earliest, latest, count


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPeakParameters(ComponentParameters):
    """Parameters of `claimed-peak`."""

    claimed_pods: int | None = None
    """Pods that the page promises where it gives no count for this load."""


@check("claimed-peak", ClaimedPeakParameters, "load", "observer", "capacity", "config")
def claimed_peak(history: History, parameters: ClaimedPeakParameters) -> Finding:
    """The highest pod count lies between what the page claims and what the documented algorithm gives, whatever the
    autoscaler is."""
    claimed = [claim.pods for claim in history.scenario.claims if claim.pods]
    if not claimed and parameters.claimed_pods is not None and not history.imported:
        claimed = [parameters.claimed_pods]
    if not claimed:
        raise NotShownError("the page claims no pod count for this load")
    results = [
        (revision, limits, *_peak(history, revision, limits)) for revision, limits in loaded(history, parameters)
    ]
    _, _, peak, low, high = max(results, key=lambda entry: entry[4])
    least, most = min(low, *claimed), max(high, *claimed)
    return exact(
        least <= peak <= most, "at the most as many pods as the page claims or the documented algorithm gives", peak,
        "pods", low=least, high=most, samples=sum(len(load.rows) for load in history.loads), source="claimed",
    )  # fmt: skip


def _range(limits: Band) -> str:
    load = limits.demand
    if np.isnan(load.start) or load.end - load.start < 1.0:
        return "briefly"
    edges = np.arange(load.start, load.end + 0.01, min(6.0, load.end - load.start))
    least, most = load.mean(edges)
    return f"{least.max():.2f}..{most.max():.2f}"
