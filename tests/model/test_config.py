"""The cluster's settings: defaults, units and what is refused."""

from __future__ import annotations

import pytest

from conformance.model.config import RPS_UTILIZATION, SCRAPE_SECONDS, TICK_SECONDS, AutoscalerConfig

S = 1_000_000_000


def test_an_empty_map_gives_knatives_defaults() -> None:
    assert AutoscalerConfig.from_data({}) == AutoscalerConfig(
        pod_autoscaler_class="kpa.autoscaling.knative.dev",
        enable_scale_to_zero=True,
        allow_zero_initial_scale=False,
        max_scale_up_rate=1000.0,
        max_scale_down_rate=2.0,
        container_concurrency_target_fraction=0.7,
        container_concurrency_target_default=100.0,
        requests_per_second_target_default=200.0,
        target_burst_capacity=211.0,
        panic_window_percentage=10.0,
        activator_capacity=100.0,
        panic_threshold_percentage=200.0,
        initial_scale=1,
        min_scale=0,
        max_scale=0,
        max_scale_limit=0,
        stable_window_nanoseconds=60 * S,
        scale_down_delay_nanoseconds=0,
        scale_to_zero_grace_period_nanoseconds=30 * S,
        scale_to_zero_pod_retention_period_nanoseconds=0,
    )


def test_the_ticks_are_not_configurable() -> None:
    assert (TICK_SECONDS, SCRAPE_SECONDS, RPS_UTILIZATION) == (2.0, 1.0, 0.7)


def test_every_key_is_read_and_unknown_ones_are_ignored() -> None:
    config = AutoscalerConfig.from_data(
        {
            "pod-autoscaler-class": "hpa.autoscaling.knative.dev",
            "enable-scale-to-zero": "false",
            "allow-zero-initial-scale": "true",
            "max-scale-up-rate": "3",
            "max-scale-down-rate": "1.5",
            "container-concurrency-target-percentage": "80",
            "container-concurrency-target-default": "10",
            "requests-per-second-target-default": "20",
            "target-burst-capacity": "-1",
            "panic-window-percentage": "25",
            "activator-capacity": "50",
            "panic-threshold-percentage": "150",
            "initial-scale": "0",
            "min-scale": "2",
            "max-scale": "6",
            "max-scale-limit": "7",
            "stable-window": "40s",
            "scale-down-delay": "10s",
            "scale-to-zero-grace-period": "1ms",
            "scale-to-zero-pod-retention-period": "1.5s",
            "_example": "anything",
        }
    )
    assert config == AutoscalerConfig(
        pod_autoscaler_class="hpa.autoscaling.knative.dev",
        enable_scale_to_zero=False,
        allow_zero_initial_scale=True,
        max_scale_up_rate=3.0,
        max_scale_down_rate=1.5,
        container_concurrency_target_fraction=0.8,
        container_concurrency_target_default=10.0,
        requests_per_second_target_default=20.0,
        target_burst_capacity=-1.0,
        panic_window_percentage=25.0,
        activator_capacity=50.0,
        panic_threshold_percentage=150.0,
        initial_scale=0,
        min_scale=2,
        max_scale=6,
        max_scale_limit=7,
        stable_window_nanoseconds=40 * S,
        scale_down_delay_nanoseconds=10 * S,
        scale_to_zero_grace_period_nanoseconds=1_000_000,
        scale_to_zero_pod_retention_period_nanoseconds=1_500_000_000,
    )


@pytest.mark.parametrize(
    ("text", "fraction"), [("0.5", 0.5), ("1", 1.0), ("1.0001", 0.010001), ("2", 0.02), ("100", 1.0)]
)
def test_a_concurrency_percentage_up_to_one_is_a_fraction(text: str, fraction: float) -> None:
    data = {"container-concurrency-target-percentage": text}
    assert AutoscalerConfig.from_data(data).container_concurrency_target_fraction == fraction


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"scale-to-zero-grace-period": "0s"}, "scale-to-zero-grace-period must be positive, was: 0s"),
        ({"scale-down-delay": "-1s"}, "scale-down-delay cannot be negative, was: -1s"),
        ({"scale-down-delay": "1.5s"}, "scale-down-delay = 1.5s, must be specified with at most second precision"),
        (
            {"scale-to-zero-pod-retention-period": "-1s"},
            "scale-to-zero-pod-retention-period cannot be negative, was: -1s",
        ),
        (
            {"target-burst-capacity": "-0.5"},
            "target-burst-capacity must be either non-negative or -1 (for unlimited), was: -0.500000",
        ),
        (
            {"container-concurrency-target-percentage": "101"},
            "container-concurrency-target-percentage = 1.010000 is outside of valid range of (0, 100]",
        ),
        (
            {"container-concurrency-target-percentage": "0"},
            "container-concurrency-target-percentage = 0.000000 is outside of valid range of (0, 100]",
        ),
        (
            {"container-concurrency-target-default": "0.0142"},
            "container-concurrency-target-percentage and container-concurrency-target-default yield target "
            "concurrency of 0.00994, can't be less than 0.01",
        ),
        (
            {"requests-per-second-target-default": "0.009"},
            "requests-per-second-target-default must be at least 0.01, was: 0.009",
        ),
        ({"activator-capacity": "0.99"}, "activator-capacity = 0.99, must be at least 1"),
        ({"max-scale-up-rate": "1"}, "max-scale-up-rate = 1, must be greater than 1.0"),
        ({"max-scale-down-rate": "1"}, "max-scale-down-rate = 1, must be greater than 1.0"),
        ({"stable-window": "5s"}, "stable-window = 5s, must be in [6s; 1h0m0s] range"),
        ({"stable-window": "61m"}, "stable-window = 1h1m0s, must be in [6s; 1h0m0s] range"),
        ({"stable-window": "6.5s"}, "stable-window = 6.5s, must be specified with at most second precision"),
        ({"panic-window-percentage": "0.5"}, "panic-window-percentage = 0.5, must be in [1, 100] interval"),
        ({"panic-window-percentage": "101"}, "panic-window-percentage = 101, must be in [1, 100] interval"),
        (
            {"initial-scale": "0"},
            "initial-scale = 0, must be at least 0 (or at least 1 when allow-zero-initial-scale is false)",
        ),
        (
            {"initial-scale": "-1", "allow-zero-initial-scale": "true"},
            "initial-scale = -1, must be at least 0 (or at least 1 when allow-zero-initial-scale is false)",
        ),
        ({"min-scale": "-1"}, "min-scale = -1, must be at least 0"),
        ({"max-scale": "-1"}, "max-scale = -1, must be in [0, max-scale-limit(0)] range"),
        ({"max-scale-limit": "5"}, "max-scale = 0, must be in [1, max-scale-limit(5)] range"),
        ({"max-scale": "6", "max-scale-limit": "5"}, "max-scale = 6, must be in [1, max-scale-limit(5)] range"),
        ({"max-scale-limit": "1"}, "max-scale = 0, must be in [1, max-scale-limit(1)] range"),
        ({"max-scale": "2", "max-scale-limit": "1"}, "max-scale = 2, must be in [1, max-scale-limit(1)] range"),
        ({"max-scale": "1", "min-scale": "2"}, "min-scale (2) must be less than max-scale (1)"),
        ({"max-scale-limit": "-1"}, "max-scale-limit = -1, must be at least 0"),
        ({"max-scale": "3", "min-scale": "5"}, "min-scale (5) must be less than max-scale (3)"),
        (
            {"max-scale-up-rate": "x"},
            'failed to parse data: failed to parse "max-scale-up-rate": '
            'strconv.ParseFloat: parsing "x": invalid syntax',
        ),
        (
            {"initial-scale": "2147483648"},
            'failed to parse data: failed to parse "initial-scale": '
            'strconv.ParseInt: parsing "2147483648": value out of range',
        ),
        (
            {"enable-scale-to-zero": "nope"},
            'failed to parse data: failed to parse "enable-scale-to-zero": '
            'strconv.ParseBool: parsing "nope": invalid syntax',
        ),
        (
            {"stable-window": "60"},
            'failed to parse data: failed to parse "stable-window": time: missing unit in duration "60"',
        ),
    ],
)
def test_a_bad_map_is_refused_with_knatives_message(data: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        AutoscalerConfig.from_data(data)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "data",
    [
        {"target-burst-capacity": "0"},
        {"target-burst-capacity": "0.5"},
        {"requests-per-second-target-default": "0.01"},
        {"container-concurrency-target-default": "0.0143"},
        {"container-concurrency-target-default": "1", "container-concurrency-target-percentage": "0.01"},
        {"activator-capacity": "1"},
        {"stable-window": "6s"},
        {"scale-to-zero-grace-period": "1ns"},
        {"max-scale-up-rate": "1.01", "max-scale-down-rate": "1.01"},
        {"stable-window": "1h"},
        {"panic-window-percentage": "1"},
        {"panic-window-percentage": "100"},
        {"panic-threshold-percentage": "0"},
        {"max-scale": "5", "min-scale": "5"},
        {"max-scale": "1", "max-scale-limit": "1"},
        {"min-scale": "5"},
        {"scale-down-delay": "2h"},
    ],
)
def test_the_edges_of_each_range_are_accepted(data: dict[str, str]) -> None:
    AutoscalerConfig.from_data(data)


def test_the_first_key_in_knatives_order_gives_the_message() -> None:
    with pytest.raises(ValueError, match="enable-scale-to-zero"):
        AutoscalerConfig.from_data({"stable-window": "x", "enable-scale-to-zero": "x", "max-scale": "x"})
    with pytest.raises(ValueError, match=r"^scale-to-zero-grace-period"):
        AutoscalerConfig.from_data({"max-scale": "-1", "scale-to-zero-grace-period": "0s", "stable-window": "1s"})
