"""Settings and annotations become parameters."""

from __future__ import annotations

import math

import pytest

from conformance.model.config import AutoscalerConfig
from conformance.model.parameters import Parameters
from conformance.model.resolve import (
    resolve,
    resolve_aggregation,
    resolve_bounds,
    resolve_class,
    resolve_initial_scale,
    resolve_metric,
    resolve_pod_retention,
    resolve_target,
)

G = "autoscaling.knative.dev"
DEFAULT = AutoscalerConfig()


def annotated(**annotations: str) -> dict[str, str]:
    return {f"{G}/{name.replace('_', '-')}": value for name, value in annotations.items()}


def test_no_annotation_gives_the_clusters_defaults() -> None:
    assert resolve(DEFAULT, {}) == Parameters()


def test_every_annotation_wins_over_the_config_map() -> None:
    parameters = resolve(
        DEFAULT,
        {
            "serving.knative.dev/progress-deadline": "20s",
            **annotated(
                metric="rps",
                target="10",
                target_utilization_percentage="80",
                target_burst_capacity="-1",
                window="25s",
                panic_window_percentage="50",
                panic_threshold_percentage="150",
                scale_down_delay="1m",
                metric_aggregation_algorithm="weightedExponential",
                initial_scale="4",
                activation_scale="5",
                min_scale="2",
                max_scale="9",
                scale_to_zero_pod_retention_period="1.5s",
            ),
        },
        container_concurrency=3,
        reachability="Reachable",
    )
    assert parameters == Parameters(
        metric="rps",
        target_value=8.0,
        total_value=10.0,
        target_burst_capacity=-1.0,
        stable_window_seconds=25.0,
        panic_window_seconds=13.0,
        panic_threshold=1.5,
        scale_down_delay_seconds=60.0,
        aggregation="weighted-exponential",
        initial_scale=4,
        activation_scale=5,
        min_scale=2,
        max_scale=9,
        pod_retention_seconds=1.5,
        activation_timeout_seconds=50.0,
    )
    assert parameters.weighted
    assert not parameters.scrape


def test_the_cluster_sets_what_no_annotation_does() -> None:
    config = AutoscalerConfig(
        max_scale_up_rate=3.0,
        max_scale_down_rate=1.5,
        activator_capacity=20.0,
        target_burst_capacity=5.0,
        panic_threshold_percentage=300.0,
        stable_window_nanoseconds=40_000_000_000,
        scale_down_delay_nanoseconds=10_000_000_000,
        scale_to_zero_grace_period_nanoseconds=7_000_000_000,
        scale_to_zero_pod_retention_period_nanoseconds=8_000_000_000,
        enable_scale_to_zero=False,
        initial_scale=2,
        min_scale=1,
        max_scale=6,
    )
    assert resolve(config, {}, progress_deadline_seconds=100.0) == Parameters(
        max_scale_up_rate=3.0,
        max_scale_down_rate=1.5,
        activator_capacity=20.0,
        target_burst_capacity=5.0,
        panic_threshold=3.0,
        stable_window_seconds=40.0,
        panic_window_seconds=4.0,
        scale_down_delay_seconds=10.0,
        grace_seconds=7.0,
        pod_retention_seconds=8.0,
        scale_to_zero=False,
        initial_scale=2,
        min_scale=1,
        max_scale=6,
        activation_timeout_seconds=130.0,
    )


def test_an_unparsable_annotation_counts_as_none() -> None:
    bad = dict.fromkeys(
        (
            "target",
            "target_utilization_percentage",
            "target_burst_capacity",
            "window",
            "panic_window_percentage",
            "panic_threshold_percentage",
            "scale_down_delay",
            "initial_scale",
            "activation_scale",
            "min_scale",
            "max_scale",
            "scale_to_zero_pod_retention_period",
        ),
        "bad",
    )
    assert resolve(DEFAULT, annotated(**bad)) == Parameters()


def test_an_unreachable_revision_has_no_least_scale_and_no_retention() -> None:
    annotations = annotated(min_scale="3", max_scale="4", scale_to_zero_pod_retention_period="9s")
    parameters = resolve(DEFAULT, annotations, reachability="Unreachable")
    assert (parameters.reachable, parameters.min_scale, parameters.max_scale) == (False, 0, 4)
    assert parameters.pod_retention_seconds == 0.0
    assert resolve(DEFAULT, annotations, reachability="Unknown").reachable
    assert resolve(DEFAULT, annotations, reachability="").pod_retention_seconds == 9.0


@pytest.mark.parametrize(
    ("annotations", "container_concurrency", "expected"),
    [
        ({}, 0, (70.0, 100.0)),
        ({}, 10, (7.0, 10.0)),
        ({"target": "1"}, 0, (0.7, 1.0)),
        ({"target": "1", "target_utilization_percentage": "100"}, 0, (1.0, 1.0)),
        ({"target": "50"}, 10, (7.0, 10.0)),
        ({"target": "5"}, 10, (3.5, 5.0)),
        ({"metric": "concurrency", "target": "50"}, 10, (7.0, 10.0)),
        ({"metric": "", "target": "50"}, 10, (35.0, 50.0)),
        ({"metric": "rps"}, 10, (140.0, 200.0)),
        ({"metric": "rps", "target": "50"}, 10, (35.0, 50.0)),
        ({"target": "0.01", "target_utilization_percentage": "1"}, 0, (0.01, 0.01)),
    ],
)
def test_the_target_is_a_share_of_what_a_pod_can_take(
    annotations: dict[str, str], container_concurrency: int, expected: tuple[float, float]
) -> None:
    assert resolve_target(DEFAULT, annotated(**annotations), container_concurrency) == expected


def test_the_containers_limit_reaches_the_parameters() -> None:
    parameters = resolve(DEFAULT, {}, 10)
    assert (parameters.target_value, parameters.total_value) == (7.0, 10.0)


def test_the_rps_share_is_not_the_concurrency_share() -> None:
    config = AutoscalerConfig(container_concurrency_target_fraction=0.5)
    assert resolve_target(config, annotated(metric="rps")) == (140.0, 200.0)
    assert resolve_target(config, {}) == (50.0, 100.0)


def test_a_target_that_is_no_number_spreads() -> None:
    target, total = resolve_target(DEFAULT, annotated(target="NaN"), 5)
    assert math.isnan(target)
    assert math.isnan(total)


@pytest.mark.parametrize(
    ("window", "percentage", "panic"),
    [
        ("6s", "1", 1.0),
        ("6s", "10", 1.0),
        ("14s", "10", 1.0),
        ("15s", "10", 2.0),
        ("25s", "10", 3.0),
        ("60s", "33.3", 20.0),
        ("1h", "100", 3600.0),
        ("60s", "Inf", 1.0),
        ("60s", "-Inf", 1.0),
        ("60s", "NaN", 1.0),
        ("6s", "24.9999999999", 1.0),
        ("6s", "25", 2.0),
        ("60s", "-100", 1.0),
    ],
)
def test_the_panic_window_is_a_rounded_share_of_at_least_a_second(window: str, percentage: str, panic: float) -> None:
    parameters = resolve(DEFAULT, annotated(window=window, panic_window_percentage=percentage))
    assert parameters.panic_window_seconds == panic


def test_an_annotated_zero_beats_the_clusters_bounds() -> None:
    config = AutoscalerConfig(min_scale=2, max_scale=5)
    assert resolve_bounds(config, {}) == (2, 5)
    assert resolve_bounds(config, annotated(min_scale="0", max_scale="0")) == (0, 0)
    assert resolve_bounds(config, annotated(min_scale="1", max_scale="9"), "Unreachable") == (0, 9)


def test_an_initial_scale_of_zero_needs_the_clusters_leave() -> None:
    zero = annotated(initial_scale="0")
    assert resolve_initial_scale(AutoscalerConfig(initial_scale=3), zero) == 3
    assert resolve_initial_scale(AutoscalerConfig(initial_scale=3, allow_zero_initial_scale=True), zero) == 0
    assert resolve_initial_scale(AutoscalerConfig(initial_scale=3), annotated(initial_scale="2147483648")) == 3
    assert resolve_initial_scale(AutoscalerConfig(initial_scale=3), annotated(initial_scale="5")) == 5


def test_the_average_is_linear_unless_named_otherwise() -> None:
    assert resolve_aggregation({}) == "linear"
    assert resolve_aggregation(annotated(metric_aggregation_algorithm="")) == "linear"
    assert resolve_aggregation(annotated(metric_aggregation_algorithm="weightedExponential")) == "weighted-exponential"
    assert resolve_aggregation(annotated(metric_aggregation_algorithm="weighted-exponential")) == "weighted-exponential"
    assert not resolve(DEFAULT, annotated(metric_aggregation_algorithm="foo")).weighted


def test_class_and_metric_have_defaults_of_their_own() -> None:
    assert resolve_class(DEFAULT, {}) == f"kpa.{G}"
    assert resolve_class(AutoscalerConfig(pod_autoscaler_class="x"), {}) == "x"
    assert resolve_class(DEFAULT, {f"{G}/class": f"hpa.{G}"}) == f"hpa.{G}"
    assert resolve_metric({}) == "concurrency"
    assert resolve_metric({f"{G}/class": f"hpa.{G}"}) == "cpu"
    assert resolve_metric({f"{G}/class": f"hpa.{G}", f"{G}/metric": "memory"}) == "memory"


def test_the_retention_may_have_fractions_of_a_second() -> None:
    config = AutoscalerConfig(scale_to_zero_pod_retention_period_nanoseconds=250_000_000)
    assert resolve_pod_retention(config, {}) == 0.25
    assert resolve_pod_retention(config, annotated(scale_to_zero_pod_retention_period="1ms")) == 0.001
    assert resolve_pod_retention(config, {}, "Unreachable") == 0.0


def test_older_spellings_are_read() -> None:
    annotations = {
        f"{G}/{name}": value
        for name, value in {
            "minScale": "1",
            "maxScale": "2",
            "initialScale": "3",
            "targetUtilizationPercentage": "40",
            "targetBurstCapacity": "6",
            "panicWindowPercentage": "20",
            "panicThresholdPercentage": "300",
            "scaleDownDelay": "8s",
            "scaleToZeroPodRetentionPeriod": "9s",
            "metricAggregationAlgorithm": "weighted-exponential",
            "activationScale": "7",
        }.items()
    }
    assert resolve(DEFAULT, annotations) == Parameters(
        min_scale=1,
        max_scale=2,
        initial_scale=3,
        target_value=40.0,
        target_burst_capacity=6.0,
        panic_window_seconds=12.0,
        panic_threshold=3.0,
        scale_down_delay_seconds=8.0,
        pod_retention_seconds=9.0,
        aggregation="weighted-exponential",
        activation_scale=0,
    )
