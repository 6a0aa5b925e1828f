"""A HorizontalPodAutoscaler, decision by decision: the most that any of its metrics asks for, under its rules.

Source: kubernetes pkg/controller/podautoscaler/horizontal.go (reconcileAutoscaler, computeReplicasForMetrics) at
v1.34.0. `conformance golden fixtures/golden/horizontal` replays what the real controller decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from conformance.model.replica_calculation import (
    HorizontalSettings,
    NoProposalError,
    PodState,
    PodUsage,
    ReplicaProposal,
    ResourceTarget,
    Tolerance,
    propose,
)
from conformance.model.scaling_rules import ScalingBehavior, ScalingMemory, normalize

ABLE, ACTIVE, LIMITED = "AbleToScale", "ScalingActive", "ScalingLimited"


@dataclass(frozen=True, slots=True)
class HorizontalSpec:
    """An autoscaler's spec, defaults filled in."""

    least: int
    most: int
    targets: tuple[ResourceTarget, ...]
    behavior: ScalingBehavior | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """What an autoscaler sees at one time."""

    replicas: int
    """`spec.replicas` of what it scales."""
    pods: tuple[PodState, ...]
    usages: Mapping[str, PodUsage] | None
    """By pod; None while the metrics API does not answer."""


@dataclass(frozen=True, slots=True)
class HorizontalDecision:
    """The outcome of one look."""

    replicas: int
    """Wanted from now on."""
    recommended: int | None
    """By the metrics alone; None where they were not asked or said nothing."""
    proposals: tuple[ReplicaProposal | None, ...]
    """Of each metric, None for one that says nothing."""
    decisive: int | None
    """Place of the metric that asks for the most."""
    trouble: str
    """Why the first metric that says nothing does so."""
    conditions: Mapping[str, tuple[bool, str]]
    """Type to (status, reason)."""


class HorizontalAutoscaler:
    """The state behind one autoscaler's decisions. `spec` may be replaced at any time."""

    __slots__ = ("_conditions", "_known", "_memory", "settings", "spec")

    def __init__(self, spec: HorizontalSpec, settings: HorizontalSettings | None = None) -> None:
        self.spec = spec
        self.settings = settings or HorizontalSettings()
        self._memory = ScalingMemory()
        self._conditions: dict[str, tuple[bool, str]] = {}
        self._known = False

    def copy(self) -> HorizontalAutoscaler:
        """Another one in the same state."""
        found = HorizontalAutoscaler(self.spec, self.settings)
        memory = self._memory
        found._memory = ScalingMemory(list(memory.recommendations), list(memory.ups), list(memory.downs))
        found._conditions = dict(self._conditions)
        found._known = self._known
        return found

    def decide(self, now: float, seen: Workload) -> HorizontalDecision:
        """Decide at `now` seconds from what is seen; the caller scales."""
        spec, current = self.spec, seen.replicas
        self._conditions[ABLE] = (True, "SucceededGetScale")
        if not self._known:
            self._known = True
            self._memory.recommendations.append((now, current))
        if current == 0:
            self._conditions[ACTIVE] = (False, "ScalingDisabled")
            return self._decided(now, current, current)
        if not spec.least <= current <= spec.most:
            return self._decided(now, current, min(max(current, spec.least), spec.most))
        proposals, trouble = self._proposals(now, seen)
        known = [(proposal.replicas, place) for place, proposal in enumerate(proposals) if proposal is not None]
        recommended, place = max(known, key=lambda each: (each[0], -each[1]), default=(0, None))
        if place is None or (len(known) < len(proposals) and recommended < current):
            first = spec.targets[next(place for place, each in enumerate(proposals) if each is None)]
            kind = "FailedGetContainerResourceMetric" if first.container else "FailedGetResourceMetric"
            self._conditions[ACTIVE] = (False, kind)
            return self._decision(current, None, proposals, None, trouble)
        self._conditions[ACTIVE] = (True, "ValidMetricFound")
        window = self.settings.downscale_stabilization_seconds
        found = normalize(self._memory, spec.behavior, current, recommended, (spec.least, spec.most), window, now)
        self._conditions[ABLE] = (True, found.able)
        self._conditions[LIMITED] = (found.limited, found.limit)
        return self._decided(now, current, found.replicas, recommended, proposals, place, trouble)

    def _proposals(self, now: float, seen: Workload) -> tuple[tuple[ReplicaProposal | None, ...], str]:
        """What each metric says, and why the first that says nothing does so."""
        tolerance = Tolerance(self.settings.tolerance, self.settings.tolerance)
        found: list[ReplicaProposal | None] = []
        trouble = ""
        for target in self.spec.targets:
            try:
                if seen.usages is None:
                    raise NoProposalError("unable to fetch metrics from resource metrics API")
                found.append(propose(seen.replicas, target, seen.pods, seen.usages, tolerance, self.settings, now))
            except NoProposalError as error:
                found.append(None)
                trouble = trouble or str(error)
        return tuple(found), trouble

    def _decided(
        self,
        now: float,
        current: int,
        wanted: int,
        recommended: int | None = None,
        proposals: Sequence[ReplicaProposal | None] = (),
        decisive: int | None = None,
        trouble: str = "",
    ) -> HorizontalDecision:
        if wanted != current:
            self._conditions[ABLE] = (True, "SucceededRescale")
            if self.spec.behavior is not None:
                self._memory.scaled(now, current, wanted, self.spec.behavior)
        return self._decision(wanted, recommended, proposals, decisive, trouble)

    def _decision(
        self,
        wanted: int,
        recommended: int | None,
        proposals: Sequence[ReplicaProposal | None],
        decisive: int | None,
        trouble: str,
    ) -> HorizontalDecision:
        return HorizontalDecision(wanted, recommended, tuple(proposals), decisive, trouble, dict(self._conditions))
