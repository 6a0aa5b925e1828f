"""Faults that show only when something is changed, comes again, or is one thing and not another."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Split
from clusters.embedded.faults.decision_faults import Decides, ObservedDecision
from clusters.embedded.faults.fault import Fault
from clusters.embedded.kserve.kserve_names import (
    MAX_SCALE_ANNOTATION,
    METRIC_ANNOTATION,
    MIN_SCALE_ANNOTATION,
    TARGET_ANNOTATION,
)
from conformance.base.http.exchange import Request
from conformance.model.parameters import Parameters

Object = dict[str, Any]
LIVE: Final = "a change of a live service takes effect"
THRESHOLD: Final = "panic at twice what the ready pods can take"
WINDOW: Final = "the panic window is as long as asked for"
MOVED: Final = "a new revision gets all of the traffic"
KEPT_EVERY: Final = 40
KEPT_REQUESTS: Final = 1000
AGAIN: Final = "what happened once happens again"
ACCELERATOR: Final = "nvidia.com/gpu"


class _KeepsAnnotation(Behaviour):
    """Leaves one annotation of a live service as it was."""

    annotation = ""

    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service
        if existing is None:
            return wanted
        value = copied(wanted)
        notes = value["spec"]["template"]["metadata"]["annotations"]
        before = existing["spec"]["template"]["metadata"].get("annotations") or {}
        notes.pop(self.annotation, None)
        if self.annotation in before:
            notes[self.annotation] = before[self.annotation]
        return value


class MinimumKept(_KeepsAnnotation):
    annotation = MIN_SCALE_ANNOTATION


class MaximumKept(_KeepsAnnotation):
    annotation = MAX_SCALE_ANNOTATION


class TargetKept(_KeepsAnnotation):
    annotation = TARGET_ANNOTATION


class MetricKept(_KeepsAnnotation):
    annotation = METRIC_ANNOTATION


class LimitKept(Behaviour):
    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        del service
        if existing is None:
            return wanted
        value = copied(wanted)
        pod = value["spec"]["template"]["spec"]
        pod.pop("containerConcurrency", None)
        before = existing["spec"]["template"]["spec"].get("containerConcurrency")
        if before is not None:
            pod["containerConcurrency"] = before
        return value


class AcceleratorOnSidecar(Behaviour):
    def revision_deployment(self, revision: Object, deployment: Object) -> Object:
        del revision
        containers = deployment["spec"]["template"]["spec"]["containers"]
        for container in containers[:-1]:
            for kind, amounts in (container.get("resources") or {}).items():
                if ACCELERATOR in amounts:
                    containers[-1].setdefault("resources", {}).setdefault(kind, {})[ACCELERATOR] = amounts.pop(
                        ACCELERATOR
                    )
        return deployment


class ThresholdHigh(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=parameters.panic_threshold * 1.5)


class ThresholdLow(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=parameters.panic_threshold / 1.5)


class PanicWindowLonger(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_window_seconds=parameters.panic_window_seconds * 1.5)


class PanicWindowDoubled(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_window_seconds=parameters.panic_window_seconds * 2)


class PanicWindowShorter(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_window_seconds=round(parameters.panic_window_seconds / 1.5))


class SurgeOnceOnly(Decides):
    """Wants no more than one pod once it has been at zero."""

    def decide(self, at: ObservedDecision) -> int:
        if at.decision.desired > 1 and not at.memory.get("over"):
            at.memory["been"] = 1.0
        if at.memory.get("been") and at.ready == 0:
            at.memory["over"] = 1.0
        return min(at.decision.desired, 1) if at.memory.get("over") else at.decision.desired


class ZeroOnceOnly(Decides):
    """Goes to zero once, and keeps a pod ever after."""

    def decide(self, at: ObservedDecision) -> int:
        if at.decision.desired > 0 and at.memory.get("zero"):
            at.memory["again"] = 1.0
        if at.decision.desired == 0 and at.ready == 0:
            at.memory["zero"] = 1.0
        return max(at.decision.desired, 1) if at.memory.get("again") else at.decision.desired


class OldKeepsRequests(Behaviour):
    """Sends every fortieth request that is another's to the revision that was replaced."""

    def __init__(self) -> None:
        self._first: dict[str, RevisionKey] = {}
        self._moved = 0

    def choose_revision(self, request: Request, splits: Sequence[Split], rng: random.Random) -> RevisionKey:
        chosen = super().choose_revision(request, splits, rng)
        first = self._first.setdefault(request.host, chosen)
        self._moved += chosen != first
        return first if self.keeps(self._moved) else chosen

    def keeps(self, moved: int) -> bool:
        """Whether the replaced revision gets a request, by how many were another's by now."""
        return moved % KEPT_EVERY == 0


class MovesLate(OldKeepsRequests):
    """Goes on for a thousand requests with the revision that was replaced."""

    def keeps(self, moved: int) -> bool:
        return moved < KEPT_REQUESTS


FAULTS: Final = (
    Fault("minimum-change-ignored", "leaves minReplicas of a live service as it was", LIVE, MinimumKept),
    Fault("maximum-change-ignored", "leaves maxReplicas of a live service as it was", LIVE, MaximumKept),
    Fault("target-change-ignored", "leaves the target of a live service as it was", LIVE, TargetKept),
    Fault("metric-change-ignored", "leaves the metric of a live service as it was", LIVE, MetricKept),
    Fault("limit-change-ignored", "leaves containerConcurrency of a live service as it was", LIVE, LimitKept),
    Fault(
        "gpu-on-the-wrong-container", "gives accelerators to queue-proxy", "the model gets them", AcceleratorOnSidecar
    ),
    Fault("panic-threshold-times-1.5", "panics at three times the ready pods", THRESHOLD, ThresholdHigh),
    Fault("panic-threshold-over-1.5", "panics at 1.3 times the ready pods", THRESHOLD, ThresholdLow),
    Fault("panic-window-times-1.5", "averages over half as long again in panic", WINDOW, PanicWindowLonger),
    Fault("panic-window-doubled", "averages over twice as long in panic", WINDOW, PanicWindowDoubled),
    Fault("panic-window-over-1.5", "averages over two thirds as long in panic", WINDOW, PanicWindowShorter),
    Fault("old-revision-keeps-requests", "sends every fortieth request to a replaced one", MOVED, OldKeepsRequests),
    Fault("traffic-moves-late", "sends a thousand requests more to a replaced revision", MOVED, MovesLate),
    Fault("surge-once-only", "wants one pod at the most after it has been at zero", AGAIN, SurgeOnceOnly),
    Fault("zero-once-only", "goes to zero once", AGAIN, ZeroOnceOnly),
)
