"""Whether Knative's algorithm is in panic under the load of this moment. For those who watch a run, never evidence.

The platform does not show whether it is in panic, so the same model that judges afterwards is fed each second with the
load as the generator knows it and the pods as the watch shows them. Sampling and phase are the platform's own, so near
the threshold the estimate and the platform may differ for a while; the judge's band allows for that, this does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from conformance.model.collector import Collector, Stat
from conformance.model.config import AutoscalerConfig
from conformance.model.decider import Decider
from conformance.model.keys import GROUP, HPA_CLASS
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve
from conformance.recording.service_bodies import PodAutoscalerBody

TICK_SECONDS: Final = 2.0
FILLED_SECONDS: Final = 60


@dataclass(slots=True)
class _Followed:
    """One revision's model."""

    name: str
    parameters: Parameters
    collector: Collector
    decider: Decider
    decided: float
    recorded: int
    """The last Unix second that the collector knows."""


class LiveEstimate:
    """Follows the newest revision that takes traffic."""

    def __init__(self, config: Mapping[str, str] | None) -> None:
        """`config` is the data of config-autoscaler where it is known."""
        try:
            self._config = AutoscalerConfig.from_data(config or {})
        except ValueError:
            self._config = AutoscalerConfig()
        self._loads: dict[int, tuple[int, float]] = {}
        self._followed: _Followed | None = None

    def load(self, index: int, in_flight: int, requests_per_second: float) -> None:
        """Where load `index` stands; 0 and 0 when it is over."""
        self._loads[index] = (in_flight, requests_per_second)

    @property
    def in_flight(self) -> int:
        """Requests in flight in all loads together."""
        return sum(in_flight for in_flight, _ in self._loads.values())

    @property
    def requests_per_second(self) -> float:
        """Answers a second in all loads together."""
        return sum(rate for _, rate in self._loads.values())

    def panicking(self, wall: float, ready: int, autoscaler: PodAutoscalerBody | None, limit: int = 0) -> bool | None:
        """Whether a conforming autoscaler is in panic at `wall` Unix seconds; None where there is none to speak of.

        `autoscaler` is the revision's `podautoscaler` fact, `limit` its containerConcurrency."""
        if autoscaler is None or autoscaler.annotations.get("class") == HPA_CLASS:
            return None
        followed = self._follow(autoscaler, limit, wall, ready)
        # The collector sums what comes in one second and takes a second without anything for one without load.
        stat = Stat(float(self.in_flight), 0.0, self.requests_per_second)
        for second in range(max(followed.recorded + 1, int(wall) - FILLED_SECONDS), int(wall) + 1):
            followed.collector.record(float(second), stat)
            followed.recorded = second
        if wall - followed.decided >= TICK_SECONDS:
            followed.decided = wall
            observed = followed.collector.observe(followed.parameters, wall)
            followed.decider.decide(wall, ready, observed)
        return followed.decider.panicking

    def _follow(self, autoscaler: PodAutoscalerBody, limit: int, wall: float, ready: int) -> _Followed:
        name = autoscaler.revision
        if self._followed is None or self._followed.name != name:
            annotations = {f"{GROUP}/{key}": text for key, text in autoscaler.annotations.items()}
            parameters = resolve(self._config, annotations, limit)
            decider = Decider(parameters, now=wall, ready=min(ready, 1))
            self._followed = _Followed(name, parameters, Collector(parameters), decider, wall, int(wall) - 1)
        return self._followed
