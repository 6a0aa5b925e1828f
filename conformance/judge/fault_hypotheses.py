"""Autoscalers that decide wrongly, each in one way: hypotheses for a failed band, named like the faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from conformance.model.collector import Observation
from conformance.model.config import TICK_SECONDS
from conformance.model.decider import Decider, Decision
from conformance.model.keys import CONCURRENCY, LINEAR
from conformance.model.parameters import Parameters

ALMOST: Final = 1.0 - 1e-9
"""Keeps a whole multiple of the target from being rounded up once more."""
FORGETFUL_SECONDS: Final = 12.0
"""So long after a panic an autoscaler that forgets asks for too few pods."""
IDLE_SECONDS: Final = 12.0
"""Without load for this long an impatient autoscaler goes to zero."""


def _same(parameters: Parameters) -> Parameters:
    return parameters


@dataclass(frozen=True, slots=True)
class FaultHypothesis:
    """One way of deciding wrongly."""

    name: str
    parameters: Callable[[Parameters], Parameters] = _same
    decider: type[Decider] = Decider
    local: bool = False
    """It shows in some services alone, by how their settings are written or what their pods ask for: where another
    service counts right that says nothing of it."""
    hasty: bool = False
    """Its last pod goes as soon as none is wanted, however short the revision has been active."""


class _Floor(Decider):
    """Rounds the quotient of load and target down, to one at the least."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        if observed is None:
            return super().decide(now, ready, observed)
        return super().decide(now, ready, Observation(*map(self._floored, observed)))

    def _floored(self, load: float) -> float:
        target = self.parameters.target_value
        return max(1, int(load / target)) * target * ALMOST if load > 0 else 0.0


class _NeverLeft(Decider):
    """Stays in panic for ever."""

    __slots__ = ()

    def _update_panic(self, now: float, *, over: bool) -> None:
        if over:
            super()._update_panic(now, over=True)


class _DropsInPanic(Decider):
    """Follows the panic window down as well as up."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        self._max_panic_pods = 0
        return super().decide(now, ready, observed)


class _Overshoots(Decider):
    """Asks for twice the pods."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        return decision._replace(desired=decision.desired * 2)


class _Flaps(Decider):
    """Asks for one pod more and one less in turn."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        turn = 1 if int(now // TICK_SECONDS) % 2 else -1
        return decision._replace(desired=decision.desired + turn) if decision.desired > 1 else decision


class _DownAtOnce(Decider):
    """Follows the last seconds down once panic is over, any number of pods at a time."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        if observed is None or decision.panicking:
            return decision
        lately = math.ceil(max(0.0, observed.panic) / self.parameters.target_value)
        return decision._replace(desired=min(decision.desired, lately))


class _ForgetsAfterPanic(Decider):
    """Asks for half the pods for a while when panic ends."""

    __slots__ = ("_until", "_was")

    def __init__(self, parameters: Parameters, *, now: float, ready: int | None) -> None:
        super().__init__(parameters, now=now, ready=ready)
        self._was = False
        self._until = now

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        if self._was and not decision.panicking:
            self._until = now + FORGETFUL_SECONDS
        self._was = decision.panicking
        forgot = not decision.panicking and now < self._until
        return decision._replace(desired=decision.desired // 2) if forgot else decision


class _ZeroEarly(Decider):
    """Goes to zero a few seconds after the last request."""

    __slots__ = ("_busy",)

    def __init__(self, parameters: Parameters, *, now: float, ready: int | None) -> None:
        super().__init__(parameters, now=now, ready=ready)
        self._busy = now

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        if observed is None or observed.panic > 0 or self.parameters.min_scale > 0 or not ready:
            self._busy = now
        return decision._replace(desired=0) if now - self._busy > IDLE_SECONDS else decision


class _TiredAfterZero(Decider):
    """Asks for one pod at the most once it has been at zero after a load."""

    __slots__ = ("_asked", "_tired")

    def __init__(self, parameters: Parameters, *, now: float, ready: int | None) -> None:
        super().__init__(parameters, now=now, ready=ready)
        self._asked = self._tired = False

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        self._asked |= decision.valid and decision.desired > 0
        self._tired |= self._asked and decision.valid and decision.desired == 0
        return decision._replace(desired=min(decision.desired, 1)) if self._tired else decision


def _factor(factor: float) -> Callable[[Parameters], Parameters]:
    def change(parameters: Parameters) -> Parameters:
        return replace(
            parameters,
            target_value=parameters.target_value * factor,
            total_value=parameters.total_value * factor,
        )

    return change


def _full(parameters: Parameters) -> Parameters:
    return replace(parameters, target_value=parameters.total_value)


def _long_window(parameters: Parameters) -> Parameters:
    return replace(parameters, stable_window_seconds=parameters.stable_window_seconds * 5)


def _one_window(parameters: Parameters) -> Parameters:
    return replace(parameters, panic_window_seconds=parameters.stable_window_seconds)


def _panic_window(factor: float) -> Callable[[Parameters], Parameters]:
    def change(parameters: Parameters) -> Parameters:
        return replace(parameters, panic_window_seconds=max(1.0, parameters.panic_window_seconds * factor))

    return change


def _threshold(factor: float) -> Callable[[Parameters], Parameters]:
    def change(parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=parameters.panic_threshold * factor)

    return change


def _always(parameters: Parameters) -> Parameters:
    return replace(parameters, panic_threshold=0.5)


def _concurrency(parameters: Parameters) -> Parameters:
    return replace(parameters, metric=CONCURRENCY)


def _default_target(parameters: Parameters) -> Parameters:
    return replace(parameters, metric=CONCURRENCY, target_value=70.0, total_value=100.0)


def _target_of_three(parameters: Parameters) -> Parameters:
    utilization = parameters.target_value / parameters.total_value
    return replace(parameters, target_value=3.0 * utilization, total_value=3.0)


def _no_maximum(parameters: Parameters) -> Parameters:
    return replace(parameters, max_scale=0)


def _at_most(pods: int) -> Callable[[Parameters], Parameters]:
    def change(parameters: Parameters) -> Parameters:
        return replace(parameters, max_scale=pods, min_scale=min(pods, parameters.min_scale))

    return change


def _no_minimum(parameters: Parameters) -> Parameters:
    return replace(parameters, min_scale=0)


def _no_activation_scale(parameters: Parameters) -> Parameters:
    return replace(parameters, activation_scale=0)


def _default_threshold(parameters: Parameters) -> Parameters:
    return replace(parameters, panic_threshold=Parameters().panic_threshold)


def _linear(parameters: Parameters) -> Parameters:
    return replace(parameters, aggregation=LINEAR)


def _at_once(parameters: Parameters) -> Parameters:
    return replace(parameters, max_scale_down_rate=1e9)


def target_times(factor: float) -> FaultHypothesis:
    """An autoscaler whose target is wrong by this factor."""
    return FaultHypothesis(f"target-times-{factor:g}", _factor(factor))


FAULT_HYPOTHESES: Final[Mapping[str, FaultHypothesis]] = {
    hypothesis.name: hypothesis
    for hypothesis in (
        FaultHypothesis("target-doubled", _factor(2.0)),
        FaultHypothesis("utilization-100", _full),
        FaultHypothesis("panic-never-left", decider=_NeverLeft),
        FaultHypothesis("stable-window-times-5", _long_window),
        FaultHypothesis("stable-window-forgets", decider=_ForgetsAfterPanic),
        FaultHypothesis("panic-window-is-stable-window", _one_window),
        FaultHypothesis("panic-never-entered", _threshold(1e9)),
        FaultHypothesis("panic-threshold-times-10", _threshold(10.0)),
        FaultHypothesis("panic-threshold-times-1.5", _threshold(1.5)),
        FaultHypothesis("panic-threshold-over-1.5", _threshold(1.0 / 1.5)),
        FaultHypothesis("panic-always", _always),
        FaultHypothesis("panic-threshold-annotation-ignored", _default_threshold, local=True),
        FaultHypothesis("aggregation-ignored", _linear, local=True),
        FaultHypothesis("panic-window-times-1.5", _panic_window(1.5)),
        FaultHypothesis("panic-window-over-1.5", _panic_window(1.0 / 1.5)),
        FaultHypothesis("panic-window-doubled", _panic_window(2.0)),
        FaultHypothesis("surge-once-only", decider=_TiredAfterZero),
        FaultHypothesis("scale-down-inside-panic", decider=_DropsInPanic),
        FaultHypothesis("ceil-to-floor", decider=_Floor),
        FaultHypothesis("overshoot-times-2", decider=_Overshoots),
        FaultHypothesis("flapping", decider=_Flaps),
        FaultHypothesis("rps-treated-as-concurrency", _concurrency),
        FaultHypothesis("metric-annotation-ignored", _concurrency),
        FaultHypothesis("scale-fields-lost", _default_target, local=True),
        FaultHypothesis("old-schema-target-ignored", _default_target, local=True),
        FaultHypothesis("default-target-ignored", _target_of_three, local=True),
        FaultHypothesis("max-scale-ignored", _no_maximum),
        FaultHypothesis("max-scale-silently-3", _at_most(3), local=True),
        FaultHypothesis("gpu-caps-scale", _at_most(3), local=True),
        FaultHypothesis("scale-never-up", _at_most(1)),
        FaultHypothesis("min-scale-ignored", _no_minimum, _ZeroEarly, hasty=True),
        FaultHypothesis("activation-scale-ignored", _no_activation_scale, local=True),
        FaultHypothesis("zero-before-the-wait", decider=_ZeroEarly, hasty=True),
        FaultHypothesis("min-replicas-default-0", _no_minimum, local=True),
        FaultHypothesis("scale-down-at-once", _at_once, _DownAtOnce),
    )
}
"""By the name of the fault (`conformance faults`) that makes a platform decide so."""
