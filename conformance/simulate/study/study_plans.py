"""Scenarios of the catalogue as plans of the study: what is asked of the platform, and offered to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Final

import numpy as np

from conformance.base.errors import UsageError, nearest
from conformance.catalogue.check_parameters import CheckParameters, ComponentParameters
from conformance.catalogue.requirement import Requirement
from conformance.judge.checks import REGISTRY
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES, FaultHypothesis, target_times
from conformance.judge.finding import PodCounts
from conformance.judge.requirements import catalogue
from conformance.simulate.study.simulated_traffic import Pace, Stretch
from conformance.simulate.study.trial import Setting


def _of_itself(parameters: type[CheckParameters]) -> bool:
    """Whether a check can be made without being told what one scenario's manifest asks for."""
    return all(each.default is not MISSING or each.default_factory is not MISSING for each in fields(parameters))


CHECKS: Final = tuple(
    name for name, each in REGISTRY.checks.items() if each.counts is not PodCounts.NONE and _of_itself(each.parameters)
)
"""All checks of pod counts that read all they need from a recording."""

FACTOR: Final = "target-times-"


@dataclass(frozen=True, slots=True)
class Plan:
    """One scenario; what the catalogue's manifest and load come to for the autoscaler."""

    scenario: str
    annotations: Mapping[str, str]
    stretches: tuple[Stretch, ...]
    service_seconds: float = 0.1
    settle_seconds: float = 5.0
    quiet_seconds: float = 110.0
    component: str = "predictor"
    """Whose pods the load asks for; the simulated platform has one component."""

    def setting(self, rng: np.random.Generator, activators: int = 1) -> Setting:
        """The plan with its ways there and back drawn."""
        pace = Pace(self.service_seconds, float(rng.uniform(0.0005, 0.005)))
        asked = {"metric": "concurrency", "min-scale": "1", **self.annotations}
        return Setting(asked, self.stretches, pace, self.settle_seconds, self.quiet_seconds, activators)

    def requirements(self) -> tuple[Requirement, ...]:
        """The catalogue's requirements that look at pod counts in this scenario, without the name of a component."""
        found = []
        for entry in catalogue():
            given = entry.parameters
            if entry.scenario != self.scenario or entry.check not in CHECKS:
                continue
            if isinstance(given, ComponentParameters) and given.component in (None, self.component):
                found.append(replace(entry, parameters=replace(given, component=None)))
        return tuple(found)


PLANS: Final[Mapping[str, Plan]] = {
    plan.scenario: plan
    for plan in (
        Plan("target-concurrency", {"target": "1"}, (Stretch(30.0, workers=5),), settle_seconds=30.0),
        Plan(
            "sustained-concurrency", {"target": "1"}, (Stretch(140.0, workers=4),), service_seconds=1.0,
            settle_seconds=30.0, quiet_seconds=10.0,
        ),
        Plan(
            "target-qps-meant", {"target": "10", "metric": "rps"}, (Stretch(140.0, rate=52.0),),
            service_seconds=0.02, quiet_seconds=10.0,
        ),
        Plan(
            "calm-growth",
            {"target": "14", "min-scale": "2",
             "target-utilization-percentage": "50", "panic-threshold-percentage": "1000"},
            (Stretch(20.0, workers=8), Stretch(80.0, workers=26)), service_seconds=0.5,
            settle_seconds=20.0, quiet_seconds=10.0,
        ),
        Plan(
            "container-concurrency", {"target": "10"}, (Stretch(40.0, workers=32),),
            service_seconds=0.2, quiet_seconds=10.0,
        ),
        Plan("scale-down", {"target": "2"}, (Stretch(25.0, workers=20), Stretch(85.0, workers=2))),
        Plan("target-qps-page", {"target": "1"}, (Stretch(30.0, workers=50),), quiet_seconds=10.0),
        Plan(
            "components", {"target": "8", "metric": "rps"}, (Stretch(80.0, rate=15.0),),
            service_seconds=0.46, quiet_seconds=10.0, component="transformer",
        ),
        Plan("gpu", {"target": "1"}, (Stretch(30.0, workers=5), Stretch(10.0, workers=8)), settle_seconds=8.0),
    )
}  # fmt: skip
"""By the scenario's name."""


def hypothesis_called(name: str) -> FaultHypothesis:
    """A broken autoscaler by name; `target-times-X` for any number X. Raises UsageError for an unknown one."""
    factor = name.removeprefix(FACTOR)
    if factor != name:
        try:
            return target_times(float(factor))
        except ValueError:
            raise UsageError(f"fault {name!r}: {factor!r} is no number") from None
    if name not in FAULT_HYPOTHESES:
        raise UsageError(f"fault {name!r}; {nearest(name, FAULT_HYPOTHESES)}")
    return FAULT_HYPOTHESES[name]
