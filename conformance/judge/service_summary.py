"""What became of a service under a load, in a few figures: what people ask for who try their own.

Nothing here decides; verdicts are the checks'. Times in seconds, amounts of pods in pods x seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from conformance.judge.band import band
from conformance.judge.checks.pods import BandParameters, inside_band
from conformance.judge.expectations import parameters
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, Revision
from conformance.judge.pod_timeline import ready, total
from conformance.judge.service_figures import ServiceFigures, peak
from conformance.recording.service_bodies import PodAutoscalerBody


@dataclass(frozen=True, slots=True)
class ComponentSummary:
    """One component under load."""

    name: str
    metric: str
    """What its pods are counted by; empty where Knative's autoscaler does not scale it."""
    target_value: float
    """Load per pod to aim for, after utilization."""
    container_concurrency: int
    min_scale: int
    max_scale: int
    """0 for none."""
    allowed: tuple[float, float] | None
    """Pods that the documented algorithm wants at its highest: the least and the most."""
    outside_pod_seconds: float | None
    """How far pods were outside of what it allows, over the whole time."""
    peak_pods: int
    peak_ready: int
    high_water: int
    """Most requests inside one pod, as the witness counted; 0 where nobody did."""


@dataclass(frozen=True, eq=False)
class ServiceSummary(ServiceFigures):
    """Figures of a service, with what the documented algorithm allows."""

    @cached_property
    def components(self) -> tuple[ComponentSummary, ...]:
        """The one that takes the traffic first."""
        return tuple(_component(self.history, name) for name in self.history.components)


def _component(history: History, name: str) -> ComponentSummary:
    revisions = [revision for revision in history.component(name) if revision.pods]
    pods = [pod for revision in revisions for pod in revision.pods]
    counted = any(history.of(PodAutoscalerBody)) and bool(revisions)
    settings = parameters(history, revisions[-1]) if counted else None
    there, seen = ready(pods), total(pods)
    return ComponentSummary(
        name=name,
        metric=settings.metric if settings else "",
        target_value=settings.target_value if settings else math.nan,
        container_concurrency=revisions[-1].container_concurrency if revisions else 0,
        min_scale=settings.min_scale if settings else 0,
        max_scale=settings.max_scale if settings else 0,
        allowed=_allowed(history, revisions) if counted else None,
        outside_pod_seconds=_outside(history, name) if counted else None,
        peak_pods=peak(seen, history),
        peak_ready=peak(there, history),
        high_water=_high_water(history, [pod.name for pod in pods]),
    )


def _allowed(history: History, revisions: list[Revision]) -> tuple[float, float] | None:
    if not any(len(load.rows) for load in history.loads):
        return None
    limits = [band(history, revision) for revision in revisions]
    return max(float(each.low.max()) for each in limits), max(float(each.high.max()) for each in limits)


def _outside(history: History, component: str) -> float | None:
    try:
        return inside_band(history, BandParameters(component=component)).measured.value
    except NotShownError:
        return None


def _high_water(history: History, pods: list[str]) -> int:
    found = [load.rows["high_water"][load.served_by(*pods)] for load in history.loads if len(load.rows)]
    return max((int(each.max()) for each in found if len(each)), default=0)
