"""The ConfigMap `config-autoscaler`: its defaults, its grammar and its rules (Knative 1.23).

Everything here applies to the whole cluster. Unknown keys are ignored; a bad value rejects the whole map with the
message Knative's webhook gives. Rates, activator capacity, grace period, scale to zero and the limit of max-scale can
be set only here; the rest is the default of an annotation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.model.durations import SECOND_NANOSECONDS, format_duration, parse_duration
from conformance.model.keys import KPA_CLASS, TARGET_MINIMUM
from conformance.model.literals import format_fixed, format_float, parse_boolean, parse_float, parse_integer, quote

WINDOW_MINIMUM_NANOSECONDS: Final = 6 * SECOND_NANOSECONDS
WINDOW_MAXIMUM_NANOSECONDS: Final = 3_600 * SECOND_NANOSECONDS

TICK_SECONDS: Final = 2.0
"""One decision per revision in this time; not configurable."""

SCRAPE_SECONDS: Final = 1.0
"""One scrape per revision in this time; not configurable."""

RPS_UTILIZATION: Final = 0.7
"""The share of an rps target to aim for; no key sets it, only the revision's annotation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerConfig:
    """The cluster's autoscaling settings; durations in nanoseconds, exactly as Knative holds them."""

    pod_autoscaler_class: str = KPA_CLASS
    enable_scale_to_zero: bool = True
    allow_zero_initial_scale: bool = False
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    container_concurrency_target_fraction: float = 0.7
    container_concurrency_target_default: float = 100.0
    requests_per_second_target_default: float = 200.0
    target_burst_capacity: float = 211.0
    panic_window_percentage: float = 10.0
    activator_capacity: float = 100.0
    panic_threshold_percentage: float = 200.0
    initial_scale: int = 1
    min_scale: int = 0
    max_scale: int = 0
    max_scale_limit: int = 0
    stable_window_nanoseconds: int = 60 * SECOND_NANOSECONDS
    scale_down_delay_nanoseconds: int = 0
    scale_to_zero_grace_period_nanoseconds: int = 30 * SECOND_NANOSECONDS
    scale_to_zero_pod_retention_period_nanoseconds: int = 0

    @classmethod
    def from_data(cls, data: Mapping[str, str]) -> AutoscalerConfig:
        """Read and check the `data` of the ConfigMap; raises ValueError with Knative's message."""
        values: dict[str, Any] = {}
        for field, key, parse in _GRAMMAR:
            if key not in data:
                continue
            try:
                values[field] = parse(data[key])
            except ValueError as error:
                raise ValueError(f"failed to parse data: failed to parse {quote(key)}: {error}") from error
        config = cls(**values)
        if config.container_concurrency_target_fraction > 1.0:
            # A percentage; up to 1 the value is taken for a fraction, so 1 means 100 %.
            fraction = config.container_concurrency_target_fraction / 100.0
            config = replace(config, container_concurrency_target_fraction=fraction)
        for rule in _RULES:
            complaint = rule(config)
            if complaint is not None:
                raise ValueError(complaint)
        return config


def _parse_count(text: str) -> int:
    return parse_integer(text, 32)


_GRAMMAR: Final[tuple[tuple[str, str, Callable[[str], object]], ...]] = (
    ("pod_autoscaler_class", "pod-autoscaler-class", str),
    ("enable_scale_to_zero", "enable-scale-to-zero", parse_boolean),
    ("allow_zero_initial_scale", "allow-zero-initial-scale", parse_boolean),
    ("max_scale_up_rate", "max-scale-up-rate", parse_float),
    ("max_scale_down_rate", "max-scale-down-rate", parse_float),
    ("container_concurrency_target_fraction", "container-concurrency-target-percentage", parse_float),
    ("container_concurrency_target_default", "container-concurrency-target-default", parse_float),
    ("requests_per_second_target_default", "requests-per-second-target-default", parse_float),
    ("target_burst_capacity", "target-burst-capacity", parse_float),
    ("panic_window_percentage", "panic-window-percentage", parse_float),
    ("activator_capacity", "activator-capacity", parse_float),
    ("panic_threshold_percentage", "panic-threshold-percentage", parse_float),
    ("initial_scale", "initial-scale", _parse_count),
    ("min_scale", "min-scale", _parse_count),
    ("max_scale", "max-scale", _parse_count),
    ("max_scale_limit", "max-scale-limit", _parse_count),
    ("stable_window_nanoseconds", "stable-window", parse_duration),
    ("scale_down_delay_nanoseconds", "scale-down-delay", parse_duration),
    ("scale_to_zero_grace_period_nanoseconds", "scale-to-zero-grace-period", parse_duration),
    ("scale_to_zero_pod_retention_period_nanoseconds", "scale-to-zero-pod-retention-period", parse_duration),
)
"""(field, key, parser) in the order in which Knative reads the keys: the first bad one is the message."""
KEYS: Final = tuple(key for _, key, _ in _GRAMMAR)
"""Every key of config-autoscaler."""


def _check_grace_period(config: AutoscalerConfig) -> str | None:
    value = config.scale_to_zero_grace_period_nanoseconds
    return None if value > 0 else f"scale-to-zero-grace-period must be positive, was: {format_duration(value)}"


def _check_scale_down_delay(config: AutoscalerConfig) -> str | None:
    value = config.scale_down_delay_nanoseconds
    if value < 0:
        return f"scale-down-delay cannot be negative, was: {format_duration(value)}"
    if value % SECOND_NANOSECONDS:
        return f"scale-down-delay = {format_duration(value)}, must be specified with at most second precision"
    return None


def _check_pod_retention(config: AutoscalerConfig) -> str | None:
    value = config.scale_to_zero_pod_retention_period_nanoseconds
    if value < 0:
        return f"scale-to-zero-pod-retention-period cannot be negative, was: {format_duration(value)}"
    return None


def _check_burst_capacity(config: AutoscalerConfig) -> str | None:
    value = config.target_burst_capacity
    if value < 0 and value != -1:
        return f"target-burst-capacity must be either non-negative or -1 (for unlimited), was: {format_fixed(value)}"
    return None


def _check_concurrency_target(config: AutoscalerConfig) -> str | None:
    fraction = config.container_concurrency_target_fraction
    if fraction <= 0 or fraction > 1:
        return (
            f"container-concurrency-target-percentage = {format_fixed(fraction)} is outside of valid range of (0, 100]"
        )
    target = fraction * config.container_concurrency_target_default
    if target < TARGET_MINIMUM:
        return (
            "container-concurrency-target-percentage and container-concurrency-target-default yield target "
            f"concurrency of {format_float(target)}, can't be less than {format_float(TARGET_MINIMUM)}"
        )
    return None


def _check_rps_target(config: AutoscalerConfig) -> str | None:
    value = config.requests_per_second_target_default
    if value < TARGET_MINIMUM:
        return (
            f"requests-per-second-target-default must be at least {format_float(TARGET_MINIMUM)}, "
            f"was: {format_float(value)}"
        )
    return None


def _check_rates(config: AutoscalerConfig) -> str | None:
    if config.activator_capacity < 1:
        return f"activator-capacity = {format_float(config.activator_capacity)}, must be at least 1"
    if config.max_scale_up_rate <= 1.0:
        return f"max-scale-up-rate = {format_float(config.max_scale_up_rate)}, must be greater than 1.0"
    if config.max_scale_down_rate <= 1.0:
        return f"max-scale-down-rate = {format_float(config.max_scale_down_rate)}, must be greater than 1.0"
    return None


def _check_windows(config: AutoscalerConfig) -> str | None:
    window = config.stable_window_nanoseconds
    if not WINDOW_MINIMUM_NANOSECONDS <= window <= WINDOW_MAXIMUM_NANOSECONDS:
        low, high = format_duration(WINDOW_MINIMUM_NANOSECONDS), format_duration(WINDOW_MAXIMUM_NANOSECONDS)
        return f"stable-window = {format_duration(window)}, must be in [{low}; {high}] range"
    if window % SECOND_NANOSECONDS:
        return f"stable-window = {format_duration(window)}, must be specified with at most second precision"
    percentage = config.panic_window_percentage
    if percentage < 1.0 or percentage > 100.0:
        return f"panic-window-percentage = {format_float(percentage)}, must be in [1, 100] interval"
    return None


def _check_scales(config: AutoscalerConfig) -> str | None:
    if config.initial_scale < 0 or (config.initial_scale == 0 and not config.allow_zero_initial_scale):
        return (
            f"initial-scale = {config.initial_scale}, "
            "must be at least 0 (or at least 1 when allow-zero-initial-scale is false)"
        )
    if config.min_scale < 0:
        return f"min-scale = {config.min_scale}, must be at least 0"
    limit = config.max_scale_limit
    least = 1 if limit > 0 else 0
    if config.max_scale < least or 0 < limit < config.max_scale:
        return f"max-scale = {config.max_scale}, must be in [{least}, max-scale-limit({limit})] range"
    if limit < 0:
        return f"max-scale-limit = {limit}, must be at least 0"
    if config.min_scale > config.max_scale > 0:
        return f"min-scale ({config.min_scale}) must be less than max-scale ({config.max_scale})"
    return None


_RULES: Final[tuple[Callable[[AutoscalerConfig], str | None], ...]] = (
    _check_grace_period,
    _check_scale_down_delay,
    _check_pod_retention,
    _check_burst_capacity,
    _check_concurrency_target,
    _check_rps_target,
    _check_rates,
    _check_windows,
    _check_scales,
)
"""In Knative's order: the first complaint is the message."""
