"""Faults of the HorizontalPodAutoscaler that scales in Standard mode."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from clusters.embedded.behaviour.control_behaviour import Told
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.fault import Fault
from conformance.model.horizontal_autoscaler import ACTIVE, LIMITED, HorizontalDecision, HorizontalSpec, Workload
from conformance.model.horizontal_mistakes import MISTAKES
from conformance.model.replica_calculation import CPU, MEMORY, HorizontalSettings, ResourceTarget
from conformance.model.scaling_rules import ScalingBehavior

Object = dict[str, Any]

COUNT: Final = "Standard mode scales by the ratio of usage to target"
STEADY: Final = "Standard mode keeps its pods while usage is near the target"
DOWN: Final = "Standard mode scales down after its stabilization window"
METRICS: Final = "Standard mode scales by every metric that is set"
BOUNDS: Final = "Standard mode stays within its bounds"
YOUNG: Final = "Standard mode takes no figures for granted that pods do not have yet"
AWAY: Final = "Standard mode changes nothing while nobody serves metrics, and says so"
TOLD: Final = "the conditions of an HPA say what holds it"
CONTAINERS: Final = "Standard mode scales by all containers of a pod"


class NeverScales(Behaviour):
    def horizontal_replicas(self, autoscaler: Object, replicas: int, decision: HorizontalDecision) -> int:
        del autoscaler, decision
        return replicas


class NeverDown(Behaviour):
    def horizontal_replicas(self, autoscaler: Object, replicas: int, decision: HorizontalDecision) -> int:
        del autoscaler
        return max(replicas, decision.replicas)


class RoundsDown(Behaviour):
    """One pod too few whenever it grows."""

    def horizontal_replicas(self, autoscaler: Object, replicas: int, decision: HorizontalDecision) -> int:
        del autoscaler
        return decision.replicas - 1 if decision.replicas > replicas else decision.replicas


class TargetDoubled(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        return replace(spec, targets=tuple(_times(target, 2) for target in spec.targets))


def _times(target: ResourceTarget, factor: int) -> ResourceTarget:
    return replace(
        target,
        utilization=None if target.utilization is None else target.utilization * factor,
        average=None if target.average is None else target.average * factor,
    )


class ToleranceIgnored(Behaviour):
    def horizontal_settings(self, settings: HorizontalSettings) -> HorizontalSettings:
        return replace(settings, tolerance=0.0)


class StabilizationIgnored(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        behavior = spec.behavior or ScalingBehavior()
        return replace(spec, behavior=replace(behavior, down=replace(behavior.down, window_seconds=0)))


class LimitAsBase(Behaviour):
    """Takes percents of what containers may use at the most: five times what they request in the suite's manifests."""

    def horizontal_view(self, seen: Workload) -> Workload:
        times = {CPU: 5, MEMORY: 2}
        return replace(
            seen,
            pods=tuple(
                replace(
                    pod,
                    requests={
                        container: {name: amount * times.get(name, 1) for name, amount in asked.items()}
                        for container, asked in (pod.requests or {}).items()
                    },
                )
                for pod in seen.pods
            ),
        )


class CpuAsMemory(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        return replace(spec, targets=tuple(replace(target, resource=MEMORY) for target in spec.targets))


class ScalesMemoryAsCpu(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        return replace(spec, targets=tuple(replace(target, resource=CPU) for target in spec.targets))


class FirstMetricOnly(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        return replace(spec, targets=spec.targets[:1])


class MaximumIgnored(Behaviour):
    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        return replace(spec, most=1000)


class GivesUp(Behaviour):
    """Scales no more once it has asked for metrics in vain."""

    def __init__(self) -> None:
        self._gave_up = False

    def horizontal_view(self, seen: Workload) -> Workload:
        self._gave_up = self._gave_up or seen.usages is None
        return seen

    def horizontal_replicas(self, autoscaler: Object, replicas: int, decision: HorizontalDecision) -> int:
        del autoscaler
        return replicas if self._gave_up else decision.replicas


class AlwaysActive(Behaviour):
    """Says that its metrics are valid, whether or not it has any."""

    def horizontal_conditions(self, found: list[Told]) -> list[Told]:
        valid = (ACTIVE, "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count")
        return [valid if each[0] == ACTIVE else each for each in found]


class NeverLimited(Behaviour):
    """Says that nothing limits it."""

    def horizontal_conditions(self, found: list[Told]) -> list[Told]:
        within = (LIMITED, "False", "DesiredWithinRange", "the desired count is within the acceptable range")
        return [within if each[0] == LIMITED else each for each in found]


def _mistaken(name: str) -> type[Behaviour]:
    """An autoscaler that sees pods and figures wrongly."""

    class Mistaken(Behaviour):
        def horizontal_view(self, seen: Workload) -> Workload:
            return MISTAKES[name](seen)

    return Mistaken


FAULTS: Final = (
    Fault("hpa-never-scales", "makes an HPA that never scales", COUNT, NeverScales),
    Fault("hpa-target-doubled", "scales to twice the target utilization", COUNT, TargetDoubled),
    Fault("hpa-rounds-down", "rounds replicas down", COUNT, RoundsDown),
    Fault("hpa-limit-as-base", "takes utilization as a share of limits", COUNT, LimitAsBase),
    Fault("hpa-cpu-as-memory", "scales by memory where cpu is asked", METRICS, CpuAsMemory),
    Fault("hpa-scales-memory-as-cpu", "scales by cpu where its HPA says memory", METRICS, ScalesMemoryAsCpu),
    Fault("hpa-first-metric-only", "scales by the first of several metrics alone", METRICS, FirstMetricOnly),
    Fault("hpa-tolerance-ignored", "scales for every deviation from the target", STEADY, ToleranceIgnored),
    Fault("hpa-stabilization-ignored", "scales down as soon as usage falls", DOWN, StabilizationIgnored),
    Fault("hpa-never-down", "never scales down", DOWN, NeverDown),
    Fault("hpa-max-ignored", "ignores maxReplicas of its HPA", BOUNDS, MaximumIgnored),
    Fault("hpa-gives-up", "scales no more once metrics were away", AWAY, GivesUp),
    Fault("hpa-always-active", "says that it has metrics while nobody serves them", TOLD, AlwaysActive),
    Fault("hpa-never-limited", "does not say that its maximum holds it", TOLD, NeverLimited),
    *(
        Fault(name, does, expected, _mistaken(name))
        for name, does, expected in (
            ("hpa-unready-counted", "counts what pods use before they are ready", YOUNG),
            ("hpa-average-for-all", "takes the mean of the ready pods for that of all", YOUNG),
            ("hpa-missing-as-full", "takes pods without metrics for busy ones when it grows", YOUNG),
            ("hpa-missing-as-zero", "takes pods without metrics for idle ones when it shrinks", YOUNG),
            ("hpa-first-container-only", "goes by the first container of a pod alone", CONTAINERS),
            ("hpa-last-container-only", "goes by the last container of a pod alone", CONTAINERS),
            ("hpa-first-container-requests", "takes usage as a share of one container's request", CONTAINERS),
            ("hpa-away-as-full", "takes pods for busy while nobody serves metrics", AWAY),
        )
    ),
)
