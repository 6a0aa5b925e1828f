"""Faults of what a revision is scaled by: target, metric, windows, thresholds, bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.fault import Fault
from conformance.model import keys
from conformance.model.collector import Stat
from conformance.model.parameters import Parameters

Object = dict[str, Any]

TARGET: Final = "the target a revision is scaled by"
WINDOWS: Final = "the stable window of 60 s and the panic window of a tenth of it"
PANIC: Final = "panic at twice what the ready pods can take"
BOUNDS: Final = "minReplicas and maxReplicas bound the pods"


class MetricIgnored(Behaviour):
    def scaling_annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        return {name: text for name, text in annotations.items() if name != keys.METRIC.name}


class RateAsConcurrency(Behaviour):
    def measured(self, stat: Stat) -> Stat:
        return stat._replace(rps=stat.concurrency, proxied_rps=stat.proxied_concurrency)


class TargetDoubled(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, target_value=parameters.target_value * 2)


class UtilizationIgnored(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, target_value=parameters.total_value)


class DefaultTargetIgnored(Behaviour):
    def scaling_annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        return {keys.TARGET.name: "3", **annotations}


class StableWindowLong(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, stable_window_seconds=parameters.stable_window_seconds * 5)


class PanicWindowLong(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_window_seconds=parameters.stable_window_seconds)


class PanicThresholdHigh(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=parameters.panic_threshold * 10)


class PanicNever(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=math.inf)


class PanicAlways(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, panic_threshold=0.5)


class ThresholdUnread(Behaviour):
    def scaling_annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        return {name: text for name, text in annotations.items() if name not in keys.PANIC_THRESHOLD}


class AggregationUnread(Behaviour):
    def scaling_annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        return {name: text for name, text in annotations.items() if name not in keys.AGGREGATION}


class InitialScaleIgnored(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, initial_scale=1)

    def revision_deployment(self, revision: Object, deployment: Object) -> Object:
        del revision
        deployment["spec"]["replicas"] = 1
        return deployment


class ActivationScaleIgnored(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, activation_scale=0)


class MaximumIgnored(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, max_scale=0)


class NeverZero(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, scale_to_zero=False)


class GraceIgnored(Behaviour):
    def parameters(self, parameters: Parameters) -> Parameters:
        return replace(parameters, grace_seconds=0.0)


FAULTS: Final = (
    Fault("metric-annotation-ignored", "scales by concurrency whatever scaleMetric says", TARGET, MetricIgnored),
    Fault("rps-treated-as-concurrency", "takes requests in flight for requests per second", TARGET, RateAsConcurrency),
    Fault("target-doubled", "aims for twice the target per pod", TARGET, TargetDoubled),
    Fault("utilization-100", "aims for all of the target instead of 70 % of it", TARGET, UtilizationIgnored),
    Fault("default-target-ignored", "aims for 3 per pod where no target is given", TARGET, DefaultTargetIgnored),
    Fault("stable-window-times-5", "averages over five minutes", WINDOWS, StableWindowLong),
    Fault("panic-window-is-stable-window", "panics by the mean of the stable window", WINDOWS, PanicWindowLong),
    Fault("panic-threshold-times-10", "panics at twenty times the ready pods", PANIC, PanicThresholdHigh),
    Fault("panic-never-entered", "never panics", PANIC, PanicNever),
    Fault("panic-always", "panics at half of what the ready pods can take", PANIC, PanicAlways),
    Fault("panic-threshold-annotation-ignored", "panics by the cluster's own threshold", PANIC, ThresholdUnread),
    Fault("aggregation-ignored", "averages all seconds of a window alike", WINDOWS, AggregationUnread),
    Fault(
        "initial-scale-ignored", "starts with one pod", "a service starts with its initial scale", InitialScaleIgnored
    ),
    Fault(
        "activation-scale-ignored",
        "comes back from zero with as few pods as the load needs",
        "what comes back from zero does so with its activation scale",
        ActivationScaleIgnored,
    ),
    Fault("max-scale-ignored", "grows beyond maxReplicas", BOUNDS, MaximumIgnored),
    Fault("zero-never", "keeps the last pod forever", "an idle service scales to zero", NeverZero),
    Fault(
        "grace-period-ignored",
        "removes the last pod before the activator has been in the path for the grace period",
        "the last pod stays for the grace period",
        GraceIgnored,
    ),
)
