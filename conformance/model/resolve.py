"""From the cluster's settings and a revision's annotations to the parameters of its autoscaler.

An annotation that parses wins over the config map, one that does not is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from conformance.model import keys
from conformance.model.config import RPS_UTILIZATION, AutoscalerConfig
from conformance.model.durations import SECOND_NANOSECONDS
from conformance.model.parameters import Parameters
from conformance.model.rounding import floor, larger, round_half_away, smaller, to_count

ACTIVATION_TIMEOUT_BUFFER_SECONDS: Final = 30.0
"""Added to the progress deadline, so that the deployment's own failure is seen first."""

PROGRESS_DEADLINE_SECONDS: Final = 600.0
"""Default of `progress-deadline` in config-deployment."""


def resolve(
    config: AutoscalerConfig,
    annotations: Mapping[str, str],
    container_concurrency: int = 0,
    reachability: str = keys.UNSPECIFIED,
    *,
    progress_deadline_seconds: float = PROGRESS_DEADLINE_SECONDS,
) -> Parameters:
    """The parameters of a revision.

    `container_concurrency` 0 is unlimited, `reachability` is "", "Unknown", "Reachable" or "Unreachable" and
    `progress_deadline_seconds` the cluster's default, which the revision's annotation overrides.
    """
    target_value, total_value = resolve_target(config, annotations, container_concurrency)
    stable_nanoseconds = _resolve_stable_window(config, annotations)
    threshold = keys.PANIC_THRESHOLD.read_float(annotations)
    burst_capacity = keys.BURST_CAPACITY.read_float(annotations)
    delay = keys.SCALE_DOWN_DELAY.read_seconds(annotations)
    deadline = keys.PROGRESS_DEADLINE.read_seconds(annotations)
    least, most = resolve_bounds(config, annotations, reachability)
    return Parameters(
        metric=resolve_metric(annotations),
        target_value=target_value,
        total_value=total_value,
        target_burst_capacity=config.target_burst_capacity if burst_capacity is None else burst_capacity,
        activator_capacity=config.activator_capacity,
        max_scale_up_rate=config.max_scale_up_rate,
        max_scale_down_rate=config.max_scale_down_rate,
        panic_threshold=(config.panic_threshold_percentage if threshold is None else threshold) / 100.0,
        stable_window_seconds=stable_nanoseconds / SECOND_NANOSECONDS,
        panic_window_seconds=_resolve_panic_window(config, annotations, stable_nanoseconds),
        scale_down_delay_seconds=(config.scale_down_delay_nanoseconds / SECOND_NANOSECONDS if delay is None else delay),
        aggregation=resolve_aggregation(annotations),
        initial_scale=resolve_initial_scale(config, annotations),
        activation_scale=keys.ACTIVATION_SCALE.read_count(annotations) or 0,
        min_scale=least,
        max_scale=most,
        reachable=reachability != keys.UNREACHABLE,
        scale_to_zero=config.enable_scale_to_zero,
        grace_seconds=config.scale_to_zero_grace_period_nanoseconds / SECOND_NANOSECONDS,
        pod_retention_seconds=resolve_pod_retention(config, annotations, reachability),
        activation_timeout_seconds=(
            (progress_deadline_seconds if deadline is None else deadline) + ACTIVATION_TIMEOUT_BUFFER_SECONDS
        ),
    )


def resolve_class(config: AutoscalerConfig, annotations: Mapping[str, str]) -> str:
    """Which autoscaler takes care of the revision; the cluster's default unless annotated."""
    named = keys.CLASS.read(annotations)
    return config.pod_autoscaler_class if named is None else named


def resolve_metric(annotations: Mapping[str, str]) -> str:
    """What the revision is scaled by: the raw annotation, else cpu for the HPA class and concurrency for any other."""
    named = keys.METRIC.read(annotations)
    if named is not None:
        return named
    return keys.CPU if keys.CLASS.read(annotations) == keys.HPA_CLASS else keys.CONCURRENCY


def resolve_target(
    config: AutoscalerConfig, annotations: Mapping[str, str], container_concurrency: int = 0
) -> tuple[float, float]:
    """(load to aim for, load possible) per pod, in requests in flight or requests per second.

    The utilization applies to every source of the possible load, the annotation included: a target of 1 alone means to
    aim for 0.7. The container's limit caps a concurrency target, never an rps target.
    """
    metric = resolve_metric(annotations)
    if metric == keys.RPS:
        total = config.requests_per_second_target_default
        utilization = RPS_UTILIZATION
    else:
        total = float(container_concurrency) or config.container_concurrency_target_default
        utilization = config.container_concurrency_target_fraction
    target = keys.TARGET.read_float(annotations)
    if target is not None:
        total = target
        if metric == keys.CONCURRENCY and container_concurrency != 0:
            total = smaller(target, float(container_concurrency))
    percentage = keys.UTILIZATION.read_float(annotations)
    if percentage is not None:
        utilization = percentage / 100.0
    return larger(keys.TARGET_MINIMUM, total * utilization), total


def resolve_bounds(
    config: AutoscalerConfig, annotations: Mapping[str, str], reachability: str = keys.UNSPECIFIED
) -> tuple[int, int]:
    """(min, max) pods, 0 for none; the least is ignored while no route leads to the revision."""
    least = 0
    if reachability != keys.UNREACHABLE:
        annotated = keys.MIN_SCALE.read_count(annotations)
        least = config.min_scale if annotated is None else annotated
    annotated = keys.MAX_SCALE.read_count(annotations)
    return least, config.max_scale if annotated is None else annotated


def resolve_initial_scale(config: AutoscalerConfig, annotations: Mapping[str, str]) -> int:
    """Pods to start with; an annotated 0 counts only where the cluster allows it."""
    annotated = keys.INITIAL_SCALE.read_count(annotations)
    if annotated is None or (annotated == 0 and not config.allow_zero_initial_scale):
        return config.initial_scale
    return annotated


def resolve_aggregation(annotations: Mapping[str, str]) -> str:
    """How the seconds of a window become one value: `weighted-exponential`, anything else means linear."""
    named = keys.AGGREGATION.read(annotations)
    return keys.WEIGHTED if named == keys.WEIGHTED_OLD else named or keys.LINEAR


def resolve_pod_retention(
    config: AutoscalerConfig, annotations: Mapping[str, str], reachability: str = keys.UNSPECIFIED
) -> float:
    """Seconds the last pod stays after its revision went inactive; none while no route leads to the revision."""
    if reachability == keys.UNREACHABLE:
        return 0.0
    annotated = keys.POD_RETENTION.read_seconds(annotations)
    if annotated is not None:
        return annotated
    return config.scale_to_zero_pod_retention_period_nanoseconds / SECOND_NANOSECONDS


def _resolve_stable_window(config: AutoscalerConfig, annotations: Mapping[str, str]) -> int:
    annotated = keys.WINDOW.read_nanoseconds(annotations)
    return config.stable_window_nanoseconds if annotated is None else annotated


def _resolve_panic_window(config: AutoscalerConfig, annotations: Mapping[str, str], stable_nanoseconds: int) -> float:
    """Seconds: a share of the stable window, to the nearest whole one, but at least one."""
    percentage = keys.PANIC_WINDOW.read_float(annotations)
    if percentage is None:
        percentage = config.panic_window_percentage
    nanoseconds = floor(float(stable_nanoseconds) * percentage / 100.0)
    return float(max(1, to_count(round_half_away(nanoseconds / SECOND_NANOSECONDS))))
