"""Rules of the decision and of carrying it out: constants, rounding, panic, bounds, the way to zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from clusters.embedded.behaviour.control_behaviour import Memory
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.faults.decision_faults import Decides, Lags, ObservedDecision
from clusters.embedded.faults.derived.operators import (
    CLOCK,
    DELAYED,
    DOUBLED,
    DOWN,
    DROPPED,
    FACTOR,
    OBJECT,
    ONE_DOWN,
    ONE_UP,
    ORDER,
    RESTART,
    SCOPE,
    UNIT,
    UP,
    Rule,
    fixed,
    made,
    plus,
    setting,
    times,
)
from conformance.model.activation import created
from conformance.model.collector import Collector, Observation
from conformance.model.decider import Decider, Decision
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters

RESTART_SECONDS: Final = 20.0
"""So often the autoscaler starts anew."""
LATE_TICKS: Final = 5
LATE_SECONDS: Final = 15.0
TICK: Final = "it lasts until the next decision, two seconds at the most, which a conforming platform may take as well"
DECISIONS: Final = "from 15 pods it takes two decisions more, four seconds, by which the end of a panic varies as well"
STEADY: Final = ("sustained-concurrency",)


def rules() -> Iterator[Rule]:
    """All of them."""
    yield from _constants()
    yield from _bounds()
    yield from _panic()
    yield from _carried_out()
    yield from _restarts()


def _constants() -> Iterator[Rule]:
    constants = (
        ("target", "target_value", STEADY),
        ("stable window", "stable_window_seconds", ("scale-down",)),
        ("panic window", "panic_window_seconds", ("panic-window",)),
        ("panic threshold", "panic_threshold", ("surge-from-four",)),
    )
    for rule, name, where in constants:
        yield Rule(rule, UP, times(name, FACTOR), where)
        yield Rule(rule, DOWN, times(name, 1 / FACTOR), where)
    yield Rule("scale-down rate", UP, times("max_scale_down_rate", FACTOR), ("scale-down",))
    yield Rule("scale-down rate", DOWN, fixed("max_scale_down_rate", 1.1), ("scale-down",))
    yield Rule(
        "scale-down rate",
        "constant a little down",
        times("max_scale_down_rate", 1 / FACTOR),
        ("scale-down",),
        DECISIONS,
    )
    yield Rule("scale-up rate", DOWN, fixed("max_scale_up_rate", 1.1), ("twice",))
    yield Rule(
        "scale-up rate", UP, times("max_scale_up_rate", FACTOR), ("twice",),
        "1,000 times the ready pods in one decision is more than any documented load asks for",
    )  # fmt: skip
    yield Rule("utilization", DROPPED, setting(lambda p: replace(p, target_value=p.total_value)), STEADY)
    yield Rule("utilization", DOUBLED, times("target_value", 0.7), STEADY)
    yield Rule("utilization", UNIT, times("target_value", 100.0), STEADY)
    yield Rule("panic threshold", UNIT, times("panic_threshold", 100.0), ("target-concurrency-old",))
    yield Rule("panic window", UNIT, fixed("panic_window_seconds", 1), ("panic-window",))
    yield Rule("rounding up", ONE_UP, _decided(lambda pods: pods + 1), STEADY)
    yield Rule("rounding up", ONE_DOWN, _decided(lambda pods: pods - 1), STEADY)
    yield Rule("growth", DROPPED, _decided(lambda _: 1), ("target-concurrency-old",))
    yield Rule("growth", DELAYED, LateDecision, ("target-concurrency-old",))


def _bounds() -> Iterator[Rule]:
    for rule, name, scenario in (
        ("minReplicas", "min_scale", "minimum-replicas"), ("maxReplicas", "max_scale", "maximum-replicas")
    ):  # fmt: skip
        yield Rule(rule, ONE_UP, plus(name, 1), (scenario,))
        yield Rule(rule, ONE_DOWN, plus(name, -1), (scenario,))
    as_most = setting(lambda p: replace(p, max_scale=p.min_scale))
    yield Rule("minReplicas", OBJECT, as_most, ("target-concurrency-old",))
    yield Rule("maxReplicas", SCOPE, fixed("max_scale", 5), ("sustained-concurrency",))


def _panic() -> Iterator[Rule]:
    surge = ("target-concurrency",)
    yield Rule("panic", CLOCK, deciding(SinceItsBeginning), surge)
    yield Rule("panic", DOUBLED, deciding(HeldTwice), surge)
    yield Rule("panic", DROPPED, deciding(NeverPanics), ("target-concurrency-old",))
    yield Rule("panic", OBJECT, deciding(BySteadyMean), ("target-concurrency-old",))
    yield Rule("panic", DELAYED, deciding(LatePanic), ("panic-window",))
    yield Rule("panic", ORDER, deciding(CountedFirst), surge, TICK)
    yield Rule("most pods of a panic", DROPPED, deciding(Shrinks), surge)
    yield Rule("least pods of a decision", DROPPED, fixed("max_scale_down_rate", 1e6), ("scale-down",))
    yield Rule("least pods of a decision", ONE_DOWN, deciding(OneFewer), ("scale-down",))


def _carried_out() -> Iterator[Rule]:
    yield Rule("grace period", UP, times("grace_seconds", 3.0), ("zero-direct",))
    yield Rule("grace period", DOWN, fixed("grace_seconds", 0.0), ("zero-direct",))
    yield Rule("scale to zero", DROPPED, fixed("scale_to_zero", False), ("twice",))
    yield Rule(
        "scale to zero", SCOPE, setting(lambda p: replace(p, min_scale=0)), ("minimum-to-zero", "target-concurrency")
    )
    yield Rule("wait of an active revision", DROPPED, NoWait, ("one-from-zero",))
    yield Rule("wait of an active revision", DOUBLED, WaitTwice, ("scale-to-zero-old",))
    yield Rule("replicas", DELAYED, LateReplicas, ("target-concurrency-old",))
    yield Rule("replicas", DROPPED, LostReplicas, ("target-concurrency-old", "twice"))
    yield Rule("replicas", DOUBLED, DoubledReplicas, ("target-concurrency-old",))
    yield Rule("reachability", DROPPED, _always_reachable(), ("rollout",))


def _restarts() -> Iterator[Rule]:
    yield Rule("means and panic", RESTART, Restarts, ("scale-down",))
    yield Rule("activation", RESTART, ForgetsActivation, ("scale-to-zero-old",))
    yield Rule("initial scale reached", RESTART, ForgetsInitialScale, ("twice",))
    yield Rule("wanted count", RESTART, ForgetsCount, ("twice",), TICK)


def deciding(decides: type[Decider]) -> type[Behaviour]:
    """Another decider."""

    def decider(self: Behaviour) -> type[Decider]:
        del self
        return decides

    return made(decides.__name__, decider=decider)


def _decided(change: Callable[[int], int]) -> type[Behaviour]:
    class Changed(Decides):
        def decide(self, at: ObservedDecision) -> int:
            return change(at.decision.desired) if at.decision.desired > 1 else at.decision.desired

    return Changed


class LateDecision(Decides):
    """Goes by what was decided some ticks ago."""

    def __init__(self) -> None:
        self._decided: dict[RevisionKey, list[int]] = {}

    def decide(self, at: ObservedDecision) -> int:
        queue = self._decided.setdefault(at.key, [at.decision.desired] * LATE_TICKS)
        queue.append(at.decision.desired)
        return queue.pop(0)


class SinceItsBeginning(Decider):
    """Panic ends a stable window after it began, not after its last cause."""

    __slots__ = ("_begun",)

    def _update_panic(self, now: float, *, over: bool) -> None:
        begun: float | None = getattr(self, "_begun", None)
        super()._update_panic(
            now, over=over and (begun is None or now <= begun + self.parameters.stable_window_seconds)
        )
        if self._panic_since is None:
            self._begun = None
        else:
            self._begun = now if begun is None else begun
            self._panic_since = self._begun


class HeldTwice(Decider):
    """Panic lasts two stable windows."""

    __slots__ = ()

    def _update_panic(self, now: float, *, over: bool) -> None:
        super()._update_panic(now + (0.0 if over else -self.parameters.stable_window_seconds), over=over)


class NeverPanics(Decider):
    """No load is a cause of panic."""

    __slots__ = ()

    def _update_panic(self, now: float, *, over: bool) -> None:
        del over
        super()._update_panic(now, over=False)


class BySteadyMean(Decider):
    """Panics by the mean of the stable window."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        same = None if observed is None else Observation(observed.stable, observed.stable)
        return super().decide(now, ready, same)


class LatePanic(Decider):
    """Panics when its cause has lasted for some seconds."""

    __slots__ = ("_cause",)

    def _update_panic(self, now: float, *, over: bool) -> None:
        cause: float | None = getattr(self, "_cause", None)
        self._cause = (now if cause is None else cause) if over else None
        super()._update_panic(now, over=self._cause is not None and now - self._cause >= LATE_SECONDS)


class CountedFirst(Decider):
    """Looks for a cause of panic after it has counted."""

    __slots__ = ("_over",)

    def _update_panic(self, now: float, *, over: bool) -> None:
        before: bool = getattr(self, "_over", False)
        self._over = over
        super()._update_panic(now, over=before)


class Shrinks(Decider):
    """Does not keep the most pods that a panic wanted."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        self._max_panic_pods = 0
        return super().decide(now, ready, observed)


class OneFewer(Decider):
    """Takes one pod more at a time than it may."""

    __slots__ = ()

    def _hold(self, pods: float, least: float, most: float) -> int:
        return super()._hold(pods, max(0.0, least - 1.0), most)


class NoWait(Behaviour):
    """Takes the last pod as soon as nothing is wanted."""

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, now, memory
        if kpa.desired == 0 and kpa.initialized and kpa.parameters.min_scale == 0:
            return found._replace(want=0, replicas=0 if replicas else None)
        return found


class WaitTwice(Behaviour):
    """Keeps the last pod for as long again."""

    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, pod_retention_seconds=2.0 * parameters.stable_window_seconds)


class LateReplicas(Lags):
    """Brings a new count to the deployment some seconds late."""

    late_seconds = LATE_SECONDS


class LostReplicas(Behaviour):
    """Loses every second change of the deployment."""

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, replicas, now
        if found.replicas is None or not kpa.initialized or memory.get("wanted") == found.replicas:
            return found if memory.get("lost") != found.replicas else found._replace(replicas=None)
        memory["wanted"] = found.replicas
        memory["turn"] = -memory.get("turn", 1.0)
        memory["lost"] = found.replicas if memory["turn"] < 0 else -1
        return found._replace(replicas=None) if memory["turn"] < 0 else found


class DoubledReplicas(Behaviour):
    """Makes twice the pods that are wanted."""

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        del key, kpa, now, memory
        if found.want < 0 or (found.replicas is None and replicas == 2 * found.want):
            return found
        return found._replace(replicas=None if replicas == 2 * found.want else 2 * found.want)


def _always_reachable() -> type[Behaviour]:
    def reachability(self: Behaviour, revision: object, newest: bool, reachability: str) -> str:
        del self, revision, newest, reachability
        return "Reachable"

    return made("AlwaysReachable", reachability=reachability)


class _Restarting(Behaviour):
    """Its autoscaler starts anew every so often."""

    def deciding(self, key: RevisionKey, kpa: Kpa, ready: int, now: float, memory: Memory) -> None:
        del key
        if now - memory.setdefault("started", now) >= RESTART_SECONDS:
            memory["started"] = now
            self.forget(kpa, ready, now)

    def forget(self, kpa: Kpa, ready: int, now: float) -> None:
        """What is gone then that should not be."""


class Restarts(_Restarting):
    def forget(self, kpa: Kpa, ready: int, now: float) -> None:
        del ready
        kpa.collector = Collector(kpa.parameters)
        kpa.decider = Decider(kpa.parameters, now=now, ready=0)


class ForgetsActivation(_Restarting):
    def forget(self, kpa: Kpa, ready: int, now: float) -> None:
        del ready
        kpa.activation = created(now)


class ForgetsInitialScale(_Restarting):
    def forget(self, kpa: Kpa, ready: int, now: float) -> None:
        del ready, now
        kpa.initialized = False


class ForgetsCount(_Restarting):
    def forget(self, kpa: Kpa, ready: int, now: float) -> None:
        del ready, now
        kpa.desired = -1
