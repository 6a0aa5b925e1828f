"""Rules of config-autoscaler: each key ignored, and each duration or percentage read in another unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.faults.derived.operators import DROPPED, KEPT, UNIT, Rule, fixed, made, times
from conformance.model.config import AutoscalerConfig

KEYS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "enable-scale-to-zero": ("enable_scale_to_zero", "false", ("twice",)),
    "max-scale-up-rate": ("max_scale_up_rate", "1.5", ("target-concurrency-old",)),
    "max-scale-down-rate": ("max_scale_down_rate", "1.2", ("scale-down",)),
    "container-concurrency-target-percentage": (
        "container_concurrency_target_fraction", "50", ("sustained-concurrency",),
    ),
    "container-concurrency-target-default": ("container_concurrency_target_default", "1", ("scale-to-zero",)),
    "target-burst-capacity": ("target_burst_capacity", "0", ("limit-buffered",)),
    "panic-window-percentage": ("panic_window_percentage", "50", ("target-concurrency-old",)),
    "panic-threshold-percentage": ("panic_threshold_percentage", "400", ("surge-from-four",)),
    "initial-scale": ("initial_scale", "3", ("scale-to-zero-old",)),
    "requests-per-second-target-default": ("requests_per_second_target_default", "2", ("live-settings",)),
    "max-scale": ("max_scale", "4", ("target-concurrency-old",)),
    "stable-window": ("stable_window_nanoseconds", "30s", ("scale-down",)),
    "scale-down-delay": ("scale_down_delay_nanoseconds", "30s", ("scale-down",)),
    "scale-to-zero-grace-period": ("scale_to_zero_grace_period_nanoseconds", "1m", ("zero-direct",)),
    "scale-to-zero-pod-retention-period": (
        "scale_to_zero_pod_retention_period_nanoseconds", "1m", ("scale-to-zero-old",),
    ),
}  # fmt: skip
"""Field, a value other than Knative's own, and where it shows, by key."""
UNSEEN: Final[Mapping[str, tuple[str, str, str]]] = {
    "activator-capacity": (
        "activator_capacity", "1", "how many activators share the requests changes neither pods nor answers",
    ),
    "min-scale": ("min_scale", "3", "KServe writes the minimum of every revision, given or by default"),
    "pod-autoscaler-class": (
        "pod_autoscaler_class", "hpa.autoscaling.knative.dev", "KServe writes the class of every revision",
    ),
}  # fmt: skip
SECONDS: Final = (
    ("stable-window", "stable_window_seconds", "30s", ("scale-down",)),
    ("scale-down-delay", "scale_down_delay_seconds", "30s", ("scale-down",)),
    ("scale-to-zero-grace-period", "grace_seconds", "1m", ("zero-direct",)),
    ("scale-to-zero-pod-retention-period", "pod_retention_seconds", "1m", ("scale-to-zero-old",)),
)


ZERO: Final = {"allow-zero-initial-scale": "true", "initial-scale": "0"}
LIMIT: Final = {"max-scale-limit": "5", "max-scale": "5"}
LIVE: Final = (
    "settings of a cluster are its operator's, so that no scenario changes them and none during which they change is "
    "judged: a service's user does not see when a revision that is there takes them over"
)


def rules() -> Iterator[Rule]:
    """All of them."""
    zero = ignoring("allow_zero_initial_scale", "initial_scale")
    yield Rule("key allow-zero-initial-scale", DROPPED, zero, ("scale-to-zero-old",), "", ZERO)
    yield Rule("key max-scale-limit", DROPPED, ignoring("max_scale_limit"), ("live-bounds",), "", LIMIT)
    yield Rule("settings of the cluster", KEPT, AsAtStart, ("scale-down",), "", {"stable-window": "30s"})
    yield Rule("settings of a revision that is there", KEPT, AsAtFirst, ("scale-down",), LIVE)
    for key, (name, value, where) in KEYS.items():
        yield Rule(f"key {key}", DROPPED, ignoring(name), where, "", {key: value})
    for key, (name, value, why) in UNSEEN.items():
        yield Rule(f"key {key}", DROPPED, ignoring(name), ("target-concurrency-old",), why, {key: value})
    for key, name, value, where in SECONDS:
        yield Rule(f"key {key}", UNIT, times(name, 1e-3), where, "", {key: value})
    percent = "container-concurrency-target-percentage"
    yield Rule(f"key {percent}", UNIT, times("target_value", 100.0), ("sustained-concurrency",), "", {percent: "50"})
    window, threshold = "panic-window-percentage", "panic-threshold-percentage"
    where = ("target-concurrency-old",)
    yield Rule(f"key {window}", UNIT, fixed("panic_window_seconds", 1), where, "", {window: "50"})
    yield Rule(f"key {threshold}", UNIT, times("panic_threshold", 1e-2), ("surge-from-four",), "", {threshold: "400"})


def ignoring(*names: str) -> type[Behaviour]:
    """Goes by Knative's own value of some settings whatever config-autoscaler says."""

    def autoscaler_settings(self: Behaviour, config: AutoscalerConfig) -> AutoscalerConfig:
        del self
        return replace(config, **{name: getattr(AutoscalerConfig(), name) for name in names})

    return made("IgnoredKey", autoscaler_settings=autoscaler_settings)


class AsAtStart(Behaviour):
    """Reads its settings when the platform starts, which is before any was changed."""

    def autoscaler_settings(self, config: AutoscalerConfig) -> AutoscalerConfig:
        del config
        return AutoscalerConfig()


class AsAtFirst(Behaviour):
    """Scales every revision by the settings that the first one found."""

    def __init__(self) -> None:
        self._first: AutoscalerConfig | None = None

    def autoscaler_settings(self, config: AutoscalerConfig) -> AutoscalerConfig:
        self._first = self._first or config
        return self._first
