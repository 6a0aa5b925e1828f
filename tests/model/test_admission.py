"""What the webhook says to annotations."""

from __future__ import annotations

import pytest

from conformance.model.admission import Complaint, complaints, validate
from conformance.model.config import AutoscalerConfig

G = "autoscaling.knative.dev"
DEFAULT = AutoscalerConfig()


def said(config: AutoscalerConfig = DEFAULT, /, **annotations: str) -> list[str]:
    return validate({f"{G}/{name.replace('_', '-')}": value for name, value in annotations.items()}, config)


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"class": "foo.knative.dev"}, f"invalid value: foo.knative.dev: {G}/class"),
        ({"metric": "qps"}, f"invalid value: qps: {G}/metric"),
        ({"class": f"hpa.{G}", "metric": ""}, f"invalid value: : {G}/metric"),
        ({"min_scale": "-1"}, f"expected 0 <= -1 <= 2147483647: {G}/min-scale"),
        ({"min_scale": "2147483648"}, f"expected 0 <= 2147483648 <= 2147483647: {G}/min-scale"),
        ({"max_scale": "x"}, f"invalid value: x: {G}/max-scale"),
        (
            {"max_scale": "2", "min_scale": "3"},
            f"max-scale=2 is less than min-scale=3: {G}/max-scale, {G}/min-scale",
        ),
        ({"activation_scale": "1"}, f"activation-scale=1 must be greater than 1: {G}/activation-scale"),
        (
            {"activation_scale": "2", "min_scale": "3"},
            f"min-scale=3 is greater than activation-scale=2: {G}/activation-scale",
        ),
        (
            {"activation_scale": "4", "max_scale": "3"},
            f"max-scale=3 is less than activation-scale=4: {G}/activation-scale",
        ),
        ({"activation_scale": "2147483648"}, f"invalid value: 2147483648: {G}/activation-scale"),
        ({"initial_scale": "0"}, f"invalid value: 0: {G}/initial-scale=0 not allowed by cluster"),
        ({"initial_scale": "-1"}, f"invalid value: -1: {G}/initial-scale must be greater than 0"),
        ({"initial_scale": "1.5"}, f"invalid value: 1.5: {G}/initial-scale"),
        ({"target": "0.009"}, f"target 0.009 should be at least 0.01: {G}/target"),
        ({"target": "x"}, f"invalid value: x: {G}/target"),
        ({"target_utilization_percentage": "0.9"}, f"expected 1 <= 0.9 <= 100: {G}/target-utilization-percentage"),
        ({"target_utilization_percentage": "100.1"}, f"expected 1 <= 100.1 <= 100: {G}/target-utilization-percentage"),
        ({"target_burst_capacity": "-2"}, f"invalid value: -2: {G}/target-burst-capacity"),
        ({"target_burst_capacity": "x"}, f"invalid value: x: {G}/target-burst-capacity"),
        ({"panic_window_percentage": "x"}, f"invalid value: x: {G}/panic-window-percentage"),
        ({"panic_window_percentage": "100.1"}, f"expected 1 <= 100.1 <= 100: {G}/panic-window-percentage"),
        ({"panic_threshold_percentage": "109.9"}, f"expected 110 <= 109.9 <= 1000: {G}/panic-threshold-percentage"),
        ({"window": "5.999s"}, f"expected 6s <= 5.999s <= 1h0m0s: {G}/window"),
        ({"window": "1h1s"}, f"expected 6s <= 1h1s <= 1h0m0s: {G}/window"),
        ({"window": "60"}, f"invalid value: 60: {G}/window"),
        ({"window": "6.5s"}, f"must be specified with at most second precision: {G}/window"),
        ({"scale_down_delay": "900ms"}, f"must be specified with at most second precision: {G}/scale-down-delay"),
        ({"scale_down_delay": "-1s"}, f"expected 0s <= -1s <= 1h0m0s: {G}/scale-down-delay"),
        (
            {"scale_to_zero_pod_retention_period": "2h"},
            f"expected 0s <= 2h <= 1h0m0s: {G}/scale-to-zero-pod-retention-period",
        ),
        (
            {"class": f"kpa.{G}", "metric_aggregation_algorithm": "bogus"},
            f"invalid value: bogus: {G}/metric-aggregation-algorithm",
        ),
    ],
)
def test_a_bad_annotation_gets_one_line(annotations: dict[str, str], message: str) -> None:
    assert said(**annotations) == [message]


@pytest.mark.parametrize(
    "annotations",
    [
        {"class": f"kpa.{G}"},
        {"class": f"hpa.{G}", "metric": "anything"},
        {"class": "keda.example.com", "metric": ""},
        {"metric": "rps"},
        {"min_scale": "+3", "max_scale": "3"},
        {"min_scale": "3", "max_scale": "0"},
        {"min_scale": "2147483647"},
        {"activation_scale": "2", "min_scale": "2", "max_scale": "2"},
        {"activation_scale": "4", "max_scale": "0"},
        {"initial_scale": "2147483648"},
        {"target": "0.01"},
        {"target": "NaN", "target_utilization_percentage": "NaN", "target_burst_capacity": "NaN"},
        {"target_burst_capacity": "-1"},
        {"target_burst_capacity": "0"},
        {"target_utilization_percentage": "1", "panic_window_percentage": "1", "panic_threshold_percentage": "110"},
        {
            "target_utilization_percentage": "100",
            "panic_window_percentage": "100",
            "panic_threshold_percentage": "1000",
        },
        {"window": "6s", "scale_down_delay": "0s", "scale_to_zero_pod_retention_period": "0s"},
        {"window": "1h", "scale_down_delay": "1h", "scale_to_zero_pod_retention_period": "1h"},
        {"scale_to_zero_pod_retention_period": "1.5s"},
        {"metric_aggregation_algorithm": "bogus"},
        {"class": f"kpa.{G}", "metric_aggregation_algorithm": ""},
        {"class": f"kpa.{G}", "metric_aggregation_algorithm": "linear"},
        {"class": f"kpa.{G}", "metric_aggregation_algorithm": "weighted-exponential"},
        {"class": f"kpa.{G}", "metric_aggregation_algorithm": "weightedExponential"},
        {"unknown": "whatever"},
    ],
)
def test_what_knative_accepts_gets_none(annotations: dict[str, str]) -> None:
    assert said(**annotations) == []


def test_the_clusters_class_decides_which_metrics_are_known() -> None:
    hpa = AutoscalerConfig(pod_autoscaler_class=f"hpa.{G}")
    assert said(hpa, metric="cpu") == []
    assert said(hpa, **{"class": f"kpa.{G}", "metric": "cpu"}) == [f"invalid value: cpu: {G}/metric"]


def test_a_cluster_that_allows_it_lets_revisions_start_from_zero() -> None:
    assert said(AutoscalerConfig(allow_zero_initial_scale=True), initial_scale="0") == []


def test_a_limit_of_the_cluster_rules_out_more_and_unlimited_pods() -> None:
    limited = AutoscalerConfig(max_scale=5, max_scale_limit=8)
    assert said(limited, max_scale="8") == []
    assert said(limited) == []
    assert said(limited, max_scale="9") == [f"expected 1 <= 9 <= 8: {G}/max-scale"]
    assert said(limited, max_scale="0") == [f"max-scale=0 (unlimited), must be less than 8: {G}/max-scale"]


def test_the_older_spelling_is_named_when_it_was_used() -> None:
    annotations = {f"{G}/minScale": "x", f"{G}/targetBurstCapacity": "x"}
    assert validate(annotations, DEFAULT) == [f"invalid value: x: {G}/minScale, {G}/targetBurstCapacity"]


def test_the_newer_spelling_wins_even_when_it_is_the_bad_one() -> None:
    assert validate({f"{G}/min-scale": "x", f"{G}/minScale": "1"}, DEFAULT) == [f"invalid value: x: {G}/min-scale"]
    assert validate({f"{G}/min-scale": "1", f"{G}/minScale": "x"}, DEFAULT) == []


def test_complaints_are_joined_by_message_and_sorted() -> None:
    annotations = {f"{G}/target": "x", f"{G}/window": "1s", f"{G}/min-scale": "x"}
    assert complaints(annotations, DEFAULT) == (
        Complaint("expected 6s <= 1s <= 1h0m0s", (f"{G}/window",)),
        Complaint("invalid value: x", (f"{G}/min-scale", f"{G}/target")),
    )


@pytest.mark.parametrize("least", ["x", "-1", "2147483648"])
def test_a_bad_scale_counts_as_none_in_the_comparison_with_others(least: str) -> None:
    lines = said(min_scale=least, activation_scale="0")
    assert f"activation-scale=0 must be greater than 1: {G}/activation-scale" in lines
    assert said(max_scale=least, min_scale="3")[1:] == []


def test_an_initial_scale_is_checked_as_a_64_bit_integer() -> None:
    assert said(initial_scale="9223372036854775807") == []
    beyond = "9223372036854775808"
    assert said(initial_scale=beyond) == [f"invalid value: {beyond}: {G}/initial-scale"]


def test_a_prefix_goes_before_every_path() -> None:
    annotations = {f"{G}/target": "x", f"{G}/min-scale": "x"}
    assert validate(annotations, DEFAULT, prefix="spec.") == [f"invalid value: x: spec.{G}/min-scale, spec.{G}/target"]
