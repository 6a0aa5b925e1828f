"""Checks of Standard mode under load: replicas against the band of a conforming HorizontalPodAutoscaler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np

from conformance.catalogue.check_parameters import CheckParameters
from conformance.catalogue.entries import OneOf
from conformance.judge.burnt import burnt
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, PodCounts, check, margin, verdict
from conformance.judge.history import History
from conformance.judge.horizontal_band import STEP_SECONDS, HorizontalBand, horizontal_bands
from conformance.judge.horizontal_faults import supposed_replicas
from conformance.judge.horizontal_record import HorizontalRecord, unseen_seconds
from conformance.judge.judgement import Expected, Measured
from conformance.judge.step_function import Floats, StepFunction
from conformance.recording.pod_bodies import UsageBody

STALE_SECONDS: Final = 6.0
"""So long what was known last may stand where the suite could not ask: figures change every fifteen seconds."""
ACCOUNTED_SECONDS: Final = 60.0
"""So long the witnesses' own accounts stand in; what else befell the pods is known too little for longer."""
SETTLED_SECONDS: Final = 60.0
"""After a load its usage is still to be seen: two rounds of metrics-server, and the controller's next look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalBandParameters(CheckParameters):
    """Parameters of `horizontal-band`."""

    side: Annotated[str, OneOf(("few", "many", "any"))] = "any"
    """What counts: pods below the band, above it, or both."""
    during: Annotated[str, OneOf(("load", "after", "all"))] = "all"
    """When: until the last load ends, from a minute after it on, or always."""
    most_pod_seconds: float = 20.0
    """Pods x seconds outside the band that are granted."""


@dataclass(frozen=True, slots=True)
class _Outside:
    """How one autoscaler's replicas lie to its band."""

    record: HorizontalRecord
    band: HorizontalBand
    replicas: StepFunction
    pods: Floats

    @property
    def total(self) -> float:
        return float(self.pods.sum()) * STEP_SECONDS


@check(
    "horizontal-band", HorizontalBandParameters, "load", "observer", "clock", "capacity", counts=PodCounts.CARRIED_OUT
)
def horizontal_band(history: History, parameters: HorizontalBandParameters) -> Finding:
    """In Standard mode the replicas are those of Kubernetes' algorithm on the recorded usage, for some phase of its
    looks: the pods x seconds outside of that are within the tolerance."""
    worst = max((_outside(history, parameters, *each) for each in judged(history)), key=lambda each: each.total)
    limit, unit = parameters.most_pod_seconds, "pods x seconds outside"
    ok = worst.total <= limit
    statement = f"{worst.record.name}: replicas by Kubernetes' algorithm on the recorded usage"
    return Finding(
        verdict(ok),
        Expected("modelled", statement, None, limit, unit),
        Measured(round(worst.total, 3), unit, samples=int(worst.band.known.sum())),
        margin(worst.total, limit) if ok else None,
        () if ok else _facts(worst),
        () if ok else _moments(worst),
        notes=_course(worst),
    )


def _outside(
    history: History, parameters: HorizontalBandParameters, record: HorizontalRecord, band: HorizontalBand
) -> _Outside:
    replicas = supposed_replicas(history, record)
    few, many = band.outside(replicas)
    pods = {"few": few, "many": many, "any": few + many}[parameters.side]
    over = max((span.end for span in history.spans if span.kind == "load"), default=0.0)
    if parameters.during == "load":
        pods = np.where(band.times < over, pods, 0.0)
    elif parameters.during == "after":
        pods = np.where(band.times >= over + SETTLED_SECONDS, pods, 0.0)
    return _Outside(record, band, replicas, pods)


def judged(history: History) -> list[tuple[HorizontalRecord, HorizontalBand]]:
    """Autoscalers whose metrics said anything. Raises NotShownError."""
    if history.scenario.mode != "Standard":
        raise NotShownError("not in Standard mode")
    if not history.of(UsageBody):
        raise OutOfReachError("the metrics API was not asked when this was recorded")
    unseen = unseen_seconds(history)
    if unseen > (ACCOUNTED_SECONDS if burnt(history) else STALE_SECONDS):
        raise NotShownError(f"for {unseen:.0f} s the suite could not ask the metrics API what an autoscaler saw")
    found = [(record, band) for record, band in horizontal_bands(history) if band.known.any()]
    if not found:
        troubles = sorted({fact.body.trouble for fact in history.of(UsageBody) if fact.body.trouble})
        raise NotShownError(": ".join(["the metrics API never told what an autoscaler's pods use", *troubles[:1]]))
    return found


def _facts(found: _Outside) -> tuple[str, ...]:
    at = int(np.argmax(found.pods))
    t, band = float(found.band.times[at]), found.band
    return (
        f"t={t:.0f} s: {found.replicas.value(t):g} replicas of {found.record.name}, where {band.low[at]:g} to "
        f"{band.high[at]:g} are right, or the change to it was wrong; {int((found.pods > 0).sum())} s outside in all",
    )


def _moments(found: _Outside) -> tuple[tuple[float, float, str], ...]:
    wrong = found.band.times[found.pods > 0]
    return ((float(wrong[0]), float(wrong[-1]), "replicas outside the band"),) if len(wrong) else ()


def _course(found: _Outside) -> str:
    """From the first to the last replicas, for the reader."""
    start, end = found.record.start, float(found.band.times[-1])
    steps = found.replicas.changes(start, end)
    said = ", ".join(f"{after:g} from {t:.0f} s on" for t, _, after in steps) or "no change"
    return f"{found.record.name}: {found.replicas.value(start):g} replicas, {said}"
