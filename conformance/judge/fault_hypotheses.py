"""Autoscalers that decide wrongly, each in one way: hypotheses for a failed band, named like the faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from conformance.model.collector import Observation
from conformance.model.decider import Decider, Decision
from conformance.model.keys import CONCURRENCY, RPS
from conformance.model.parameters import Parameters

ALMOST: Final = 1.0 - 1e-9
"""Keeps a whole multiple of the target from being rounded up once more."""


def _same(parameters: Parameters) -> Parameters:
    return parameters


@dataclass(frozen=True, slots=True)
class FaultHypothesis:
    """One way of deciding wrongly."""

    name: str
    parameters: Callable[[Parameters], Parameters] = _same
    decider: type[Decider] = Decider


class _Floor(Decider):
    """Rounds the quotient of load and target down."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        if observed is None:
            return super().decide(now, ready, observed)
        target = self.parameters.target_value
        stable, panic = (int(value / target) * target * ALMOST for value in observed)
        return super().decide(now, ready, Observation(stable, panic))


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
    """Asks for twice the pods whenever it asks for more than one."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        return decision._replace(desired=decision.desired * 2) if decision.desired > 1 else decision


class _Flaps(Decider):
    """Asks for one pod more every other time."""

    __slots__ = ()

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        decision = super().decide(now, ready, observed)
        return decision._replace(desired=decision.desired + int(now // 2) % 2) if decision.desired > 1 else decision


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


def _threshold(factor: float) -> Callable[[Parameters], Parameters]:
    def change(parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=parameters.panic_threshold * factor)

    return change


def _other_metric(parameters: Parameters) -> Parameters:
    return replace(parameters, metric=CONCURRENCY if parameters.metric == RPS else RPS)


def _default_target(parameters: Parameters) -> Parameters:
    return replace(parameters, metric=CONCURRENCY, target_value=70.0, total_value=100.0)


def _no_maximum(parameters: Parameters) -> Parameters:
    return replace(parameters, max_scale=0)


def _three(parameters: Parameters) -> Parameters:
    return replace(parameters, max_scale=3)


def _no_minimum(parameters: Parameters) -> Parameters:
    return replace(parameters, min_scale=0)


def _at_once(parameters: Parameters) -> Parameters:
    return replace(parameters, max_scale_down_rate=1e9)


def target_times(factor: float) -> FaultHypothesis:
    """An autoscaler whose target is wrong by this factor."""
    return FaultHypothesis(f"target-times-{factor:g}", _factor(factor))


FAULT_HYPOTHESES: Final[Mapping[str, FaultHypothesis]] = {
    hypothesis.name: hypothesis
    for hypothesis in (
        FaultHypothesis("target-doubled", _factor(2.0)),
        target_times(1.25),
        target_times(0.75),
        FaultHypothesis("utilization-100", _full),
        FaultHypothesis("panic-never-left", decider=_NeverLeft),
        FaultHypothesis("stable-window-times-5", _long_window),
        FaultHypothesis("panic-window-is-stable-window", _one_window),
        FaultHypothesis("panic-never-entered", _threshold(1e9)),
        FaultHypothesis("panic-threshold-times-10", _threshold(10.0)),
        FaultHypothesis("scale-down-inside-panic", decider=_DropsInPanic),
        FaultHypothesis("ceil-to-floor", decider=_Floor),
        FaultHypothesis("overshoot-times-2", decider=_Overshoots),
        FaultHypothesis("flapping", decider=_Flaps),
        FaultHypothesis("rps-treated-as-concurrency", _other_metric),
        FaultHypothesis("target-ignored", _default_target),
        FaultHypothesis("max-scale-ignored", _no_maximum),
        FaultHypothesis("max-scale-silently-3", _three),
        FaultHypothesis("min-scale-ignored", _no_minimum),
        FaultHypothesis("scale-down-at-once", _at_once),
    )
}
