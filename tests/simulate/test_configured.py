"""Honest platforms under settings of config-autoscaler other than Knative's own."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from conformance.base.errors import UsageError
from conformance.model.config import AutoscalerConfig
from conformance.simulate.configured import Configured, accused, exercising, main, plan
from conformance.simulate.study.drawn_settings import one_by_one


@pytest.mark.parametrize(
    ("scenario", "settings"),
    [
        ("limit-direct", {"target-burst-capacity": "-1"}),
        # The replaced revision keeps a pod.
        pytest.param("rollout", {"enable-scale-to-zero": "false"}, marks=pytest.mark.thorough),
        # Loads are taken over.
        pytest.param(
            "live-bounds", {"panic-threshold-percentage": "1000", "stable-window": "30s"}, marks=pytest.mark.thorough
        ),
    ],
)
def test_an_honest_platform_is_not_accused_whatever_it_is_set_to(scenario: str, settings: dict[str, str]) -> None:
    assert accused(Configured(scenario, settings, 1)) == ()


@pytest.mark.parametrize(
    ("scenario", "seed", "settings"),
    [
        # A revision that traffic has left goes from two pods to none at once, and keeps both for the grace.
        (
            "minimum-to-zero",
            900040,
            {"max-scale-up-rate": "2", "target-burst-capacity": "1", "activator-capacity": "10", "max-scale": "20",
             "panic-threshold-percentage": "150"},
        ),
        # Each halving takes a delay.
        pytest.param("gpu", 900053, {"initial-scale": "2", "scale-down-delay": "60s"}, marks=pytest.mark.thorough),
        ("container-concurrency", 900089, {"target-burst-capacity": "-1", "initial-scale": "2"}),  # nothing is scraped
        # The activator enters the path and counts what the pods still tell, as many as a panic takes.
        pytest.param(
            "rollout",
            31201,
            {"enable-scale-to-zero": "false", "max-scale-up-rate": "2", "container-concurrency-target-percentage": "70",
             "target-burst-capacity": "1", "panic-threshold-percentage": "400", "initial-scale": "5", "max-scale": "4",
             "scale-down-delay": "10s"},
            marks=pytest.mark.thorough,
        ),
        # Of twenty-six pods a few were asked for all, and what they said is in the window of the four that are left.
        pytest.param(
            "scale-down",
            700016,
            {"enable-scale-to-zero": "false", "container-concurrency-target-percentage": "50",
             "target-burst-capacity": "2", "scale-to-zero-pod-retention-period": "20s"},
            marks=pytest.mark.thorough,
        ),
        # A revision that starts with no pod takes over at once, and the minimum of the one before it is no more.
        pytest.param(
            "minimum-to-zero",
            31448,
            {"allow-zero-initial-scale": "true", "container-concurrency-target-default": "1000", "initial-scale": "0",
             "scale-to-zero-grace-period": "2m"},
            marks=pytest.mark.thorough,
        ),
        # Questions of the suite begin the windows ten seconds before the load.
        pytest.param(
            "calm-growth",
            31491,
            {"container-concurrency-target-percentage": "0.8", "target-burst-capacity": "-1", "initial-scale": "1",
             "stable-window": "5m", "scale-down-delay": "10s"},
            marks=pytest.mark.thorough,
        ),
        # The activator reports right after the first request, and a long panic window is still short of seconds.
        pytest.param("container-concurrency", 43132, {"panic-window-percentage": "50"}, marks=pytest.mark.thorough),
        # The last pod of each revision waits for its grace and its retention.
        pytest.param(
            "minimum-to-zero",
            510120,
            {"allow-zero-initial-scale": "true", "target-burst-capacity": "211", "scale-down-delay": "10s",
             "scale-to-zero-grace-period": "2m", "scale-to-zero-pod-retention-period": "2m"},
            marks=pytest.mark.thorough,
        ),
        # Two pods of a replaced revision go at once, where others of the band would let one go before.
        pytest.param(
            "live-settings",
            62246,
            {"target-burst-capacity": "-1", "initial-scale": "2", "max-scale": "4", "scale-to-zero-grace-period": "2m",
             "panic-threshold-percentage": "200", "scale-to-zero-pod-retention-period": "2m"},
            marks=pytest.mark.thorough,
        ),
        # A window of five minutes is twenty-five seconds old.
        pytest.param(
            "target-qps-meant",
            61290,
            {"panic-threshold-percentage": "1000", "stable-window": "5m", "max-scale-down-rate": "1.5",
             "target-burst-capacity": "1000", "activator-capacity": "10"},
            marks=pytest.mark.thorough,
        ),
        # A delay remembers the pods that were ready for a moment.
        pytest.param(
            "scale-to-zero",
            62927,
            {"max-scale-down-rate": "2", "requests-per-second-target-default": "1", "initial-scale": "5",
             "max-scale": "4", "scale-down-delay": "10s", "scale-to-zero-pod-retention-period": "20s"},
            marks=pytest.mark.thorough,
        ),
        # The activator has forgotten two ready pods: a burst of a tenth of a second stands for a whole one.
        pytest.param(
            "scale-to-zero",
            71699,
            {"container-concurrency-target-default": "1", "initial-scale": "1", "max-scale": "20",
             "max-scale-limit": "50", "stable-window": "6s", "scale-down-delay": "60s"},
            marks=pytest.mark.thorough,
        ),
        # One that learns at once that traffic has left takes two pods away together, and both stay for the grace.
        pytest.param(
            "rollout",
            92401,
            {"allow-zero-initial-scale": "false", "target-burst-capacity": "0", "panic-threshold-percentage": "1000",
             "initial-scale": "1", "stable-window": "6s"},
            marks=pytest.mark.thorough,
        ),
        # Requests that end by their timeout are not cut by the going of their pod.
        pytest.param(
            "request-timeout",
            62717,
            {"activator-capacity": "10", "panic-threshold-percentage": "150", "initial-scale": "5",
             "scale-to-zero-grace-period": "30s", "scale-to-zero-pod-retention-period": "0s"},
            marks=pytest.mark.thorough,
        ),
    ],
)  # fmt: skip
def test_an_honest_platform_is_not_accused_by_chance(scenario: str, seed: int, settings: dict[str, str]) -> None:
    assert accused(Configured(scenario, settings, seed)) == ()


def test_a_setting_that_knative_refuses_is_told_as_trouble() -> None:
    found = accused(Configured("limit-direct", {"stable-window": "1s"}, 1))
    assert "stable-window" in found[0]


def test_every_value_alone_meets_another_scenario_when_it_comes_round() -> None:
    count = len(one_by_one())
    found = plan(2 * count, 0, exercising(), each=True)
    assert [each.autoscaler for each in found[:count]] == list(one_by_one())
    assert found[0].autoscaler == found[count].autoscaler
    assert found[0].scenario != found[count].scenario


def test_drawn_settings_are_ones_that_knative_accepts() -> None:
    found = plan(40, 7, exercising(), each=False)
    assert found == plan(40, 7, exercising(), each=False)
    assert len({tuple(each.autoscaler.items()) for each in found}) > 30
    for each in found:
        AutoscalerConfig.from_data(each.autoscaler)


def test_an_unknown_scenario_is_refused() -> None:
    result = CliRunner().invoke(main, ["--scenario", "scale-to-zer"])
    assert isinstance(result.exception, UsageError)
