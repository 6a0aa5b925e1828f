"""Scenarios of the catalogue as plans of the study: what is asked of the platform, and offered to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from conformance.catalogue.requirement import Requirement, catalogue
from conformance.judge.fault_hypotheses import MUTANTS, Mutant, target_times
from conformance.simulate.study.simulated_traffic import Pace, Stretch
from conformance.simulate.study.trial import Setting

CHECKS: Final = (
    "band", "peak", "panic-entered", "panic-holds", "panic-left", "no-panic", "minimum", "maximum", "back-to-minimum",
    "steady", "no-flapping", "halves-at-most", "pods-follow", "reaches-zero", "zero-not-before", "stays-at-zero",
    "few-from-zero",
)  # fmt: skip
"""All checks of pod counts."""

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
        return tuple(
            replace(entry, parameters={key: value for key, value in entry.parameters.items() if key != "component"})
            for entry in catalogue()
            if entry.scenario == self.scenario
            and entry.check in CHECKS
            and entry.parameters.get("component", self.component) == self.component
        )


PLANS: Final[Mapping[str, Plan]] = {
    plan.scenario: plan
    for plan in (
        Plan("target-concurrency", {"target": "1"}, (Stretch(30.0, workers=5),), settle_seconds=10.0),
        Plan("sustained-concurrency", {"target": "1"}, (Stretch(140.0, workers=4),), quiet_seconds=10.0),
        Plan(
            "target-qps-meant", {"target": "10", "metric": "rps"}, (Stretch(140.0, rate=52.0),),
            service_seconds=0.02, quiet_seconds=10.0,
        ),
        Plan(
            "calm-growth", {"target": "10", "min-scale": "2"},
            (Stretch(20.0, workers=8), Stretch(20.0, workers=12), Stretch(70.0, workers=16)), quiet_seconds=10.0,
        ),
        Plan(
            "container-concurrency", {"target": "10"}, (Stretch(40.0, workers=32),),
            service_seconds=0.2, quiet_seconds=10.0,
        ),
        Plan("scale-down", {"target": "2"}, (Stretch(25.0, workers=20), Stretch(85.0, workers=2))),
        Plan("target-qps-page", {"target": "1"}, (Stretch(30.0, workers=50),), quiet_seconds=10.0),
        Plan(
            "components", {"target": "8", "metric": "rps"}, (Stretch(40.0, rate=20.0),),
            service_seconds=0.11, quiet_seconds=10.0, component="transformer",
        ),
        Plan("gpu", {"target": "1"}, (Stretch(30.0, workers=5), Stretch(10.0, workers=8)), settle_seconds=8.0),
    )
}  # fmt: skip
"""By the scenario's name."""


def mutant_called(name: str) -> Mutant:
    """A broken autoscaler by name; `target-times-X` for any X. Raises KeyError for an unknown one."""
    if name.startswith(FACTOR):
        return target_times(float(name.removeprefix(FACTOR)))
    return MUTANTS[name]
