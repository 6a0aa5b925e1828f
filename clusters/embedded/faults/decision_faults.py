"""Faults of the decision itself and of carrying it out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from clusters.embedded.behaviour.control_behaviour import Memory
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.faults.fault import Fault
from clusters.embedded.objects.metadata import Object
from conformance.model.collector import Observation
from conformance.model.decider import Decision
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters

COUNT: Final = "pods are the load over the target, rounded up"
PANIC: Final = "panic lasts one stable window from its last cause and only adds pods"
ZERO: Final = "zero after a stable window without requests, and only then"

FORGETFUL_SECONDS: Final = 12.0
IDLE_SECONDS: Final = 12.0
"""Without load for this long `zero-before-the-wait` goes to zero."""
BACK_UP_SECONDS: Final = (15.0, 45.0)
LAG_SECONDS: Final = 40.0
ACCELERATOR_CAP: Final = 3


@dataclass(frozen=True, slots=True)
class ObservedDecision:
    """A valid decision about a revision, and what it went by."""

    key: RevisionKey
    decision: Decision
    observed: Observation
    parameters: Parameters
    ready: int
    now: float
    """Seconds."""
    memory: Memory
    """What a fault keeps of this revision from one decision to the next."""


class Decides(Behaviour, ABC):
    """Changes the desired count of a decision."""

    def desired(
        self,
        key: RevisionKey,
        decision: Decision,
        observed: Observation | None,
        parameters: Parameters,
        ready: int,
        now: float,
        memory: Memory,
    ) -> int:
        if observed is None:
            return decision.desired
        return self.decide(ObservedDecision(key, decision, observed, parameters, ready, now, memory))

    @abstractmethod
    def decide(self, at: ObservedDecision) -> int:
        """The desired count, given a decision and what it went by."""


class RoundsDown(Decides):
    def decide(self, at: ObservedDecision) -> int:
        least = math.floor(max(1, at.ready) / at.parameters.max_scale_down_rate)
        wanted = max(least, self._pods(at.observed.stable, at.parameters))
        if not at.decision.panicking:
            at.memory["most"] = 0
            return wanted
        at.memory["most"] = max(wanted, self._pods(at.observed.panic, at.parameters), at.memory.get("most", 0))
        return int(at.memory["most"])

    def _pods(self, load: float, parameters: Parameters) -> int:
        return max(1 if load > 0 else 0, math.floor(load / parameters.target_value))


class Overshoots(Decides):
    def decide(self, at: ObservedDecision) -> int:
        return at.decision.desired * 2


class Flaps(Decides):
    def decide(self, at: ObservedDecision) -> int:
        at.memory["turn"] = -at.memory.get("turn", 1.0)
        return at.decision.desired + int(at.memory["turn"]) if at.decision.desired > 1 else at.decision.desired


class NeverLeavesPanic(Decides):
    def decide(self, at: ObservedDecision) -> int:
        if at.decision.panicking or "most" in at.memory:
            at.memory["most"] = max(at.decision.desired, at.memory.get("most", 0))
            return int(at.memory["most"])
        return at.decision.desired


class ShrinksInPanic(Decides):
    def decide(self, at: ObservedDecision) -> int:
        if not at.decision.panicking:
            return at.decision.desired
        return math.ceil(max(0.0, at.observed.panic) / at.parameters.target_value)


class DownAtOnce(Decides):
    """Follows the last seconds down when panic is over, any number of pods at a time."""

    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, max_scale_down_rate=1e9)

    def decide(self, at: ObservedDecision) -> int:
        if at.decision.panicking:
            return at.decision.desired
        return min(at.decision.desired, math.ceil(max(0.0, at.observed.panic) / at.parameters.target_value))


class ForgetsAfterPanic(Decides):
    def decide(self, at: ObservedDecision) -> int:
        if at.decision.panicking:
            at.memory["panicked"] = 1.0
        elif at.memory.pop("panicked", None):
            at.memory["until"] = at.now + FORGETFUL_SECONDS
        forgot = not at.decision.panicking and at.now < at.memory.get("until", 0.0)
        return at.decision.desired // 2 if forgot else at.decision.desired


class NeverGrows(Decides):
    def decide(self, at: ObservedDecision) -> int:
        return min(at.decision.desired, 1)


class CappedByAccelerators(Decides):
    def __init__(self) -> None:
        self._accelerated: dict[RevisionKey, None] = {}

    def revision_deployment(self, revision: Object, deployment: Object) -> Object:
        limits = [c.get("resources", {}).get("limits") or {} for c in revision["spec"]["containers"]]
        if any("nvidia.com/gpu" in limit for limit in limits):
            self._accelerated[RevisionKey(revision["metadata"]["namespace"], revision["metadata"]["name"])] = None
        return deployment

    def decide(self, at: ObservedDecision) -> int:
        return min(at.decision.desired, ACCELERATOR_CAP) if at.key in self._accelerated else at.decision.desired


class ZeroEarly(Decides):
    """Goes to zero a few seconds after the last request."""

    def decide(self, at: ObservedDecision) -> int:
        if at.observed.panic > 0 or at.parameters.min_scale > 0 or not at.ready:
            at.memory["busy"] = at.now
        return 0 if at.now - at.memory.setdefault("busy", at.now) > IDLE_SECONDS else at.decision.desired

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, now
        early = kpa.desired == 0 and kpa.initialized and replicas > 0 and "busy" in memory
        if early and kpa.parameters.min_scale == 0:
            return found._replace(want=0, replicas=0)
        return found


class MinimumIgnored(ZeroEarly):
    """Goes to zero a few seconds after the last request whatever the minimum is."""

    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, min_scale=0)


class BackUp(Decides):
    """Starts a pod again some time after it went to zero."""

    def decide(self, at: ObservedDecision) -> int:
        if at.decision.desired > 0 or at.observed.panic > 0:
            at.memory.clear()
            return at.decision.desired
        if at.ready == 0:
            at.memory.setdefault("zero", at.now)
        elapsed = at.now - at.memory.get("zero", at.now)
        return 1 if BACK_UP_SECONDS[0] < elapsed < BACK_UP_SECONDS[1] else 0


class Lags(Behaviour):
    """Brings a new count to the deployment long after it was wanted."""

    late_seconds: ClassVar[float] = LAG_SECONDS

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, replicas
        if found.replicas is None or not kpa.initialized:
            memory.pop("since", None)
            return found
        since = memory.setdefault("since", now)
        if now - since >= self.late_seconds:
            memory.pop("since", None)
            return found
        return found._replace(replicas=None, requeue_seconds=2.0)


FAULTS: Final = (
    Fault("ceil-to-floor", "rounds the pods down", COUNT, RoundsDown),
    Fault("overshoot-times-2", "wants twice the pods", COUNT, Overshoots),
    Fault("flapping", "wants one pod more and one less in turn", COUNT, Flaps),
    Fault("scale-never-up", "never wants more than one pod", COUNT, NeverGrows),
    Fault("gpu-caps-scale", "wants no more pods than it sees accelerators", COUNT, CappedByAccelerators),
    Fault("pods-lag-behind", "brings the wanted count about 40 s late", "pods follow the wanted count", Lags),
    Fault("panic-never-left", "keeps the pods of a panic forever", PANIC, NeverLeavesPanic),
    Fault("scale-down-inside-panic", "removes pods while in panic", PANIC, ShrinksInPanic),
    Fault("scale-down-at-once", "removes any number of pods at once", "one decision halves at most", DownAtOnce),
    Fault("stable-window-forgets", "halves the pods when panic ends", PANIC, ForgetsAfterPanic),
    Fault("min-scale-ignored", "shrinks below minReplicas", "minReplicas pods are always there", MinimumIgnored),
    Fault("zero-before-the-wait", "goes to zero 12 s after the last request", ZERO, ZeroEarly),
    Fault("zero-then-back-up", "starts a pod again without a request", ZERO, BackUp),
)
