"""One decision: panic, rates, activation scale, delay, burst capacity."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from conformance.model.collector import Observation
from conformance.model.decider import Decider, Decision, excess_burst_capacity, first_excess_burst_capacity
from conformance.model.parameters import Parameters

T = 1_700_000_000.0
P = Parameters(target_value=10.0, total_value=10.0)


def decide(
    stable: float, panic: float, ready: int = 1, parameters: Parameters = P, *, initial_ready: int = 1
) -> Decision:
    decider = Decider(parameters, now=T, ready=initial_ready)
    return decider.decide(T + 2, ready, Observation(stable, panic))


@pytest.mark.parametrize(("stable", "desired"), [(0.0, 0), (0.01, 1), (10.0, 1), (10.01, 2), (19.9, 2)])
def test_each_started_target_is_a_pod(stable: float, desired: int) -> None:
    assert decide(stable, stable / 10).desired == desired


def test_one_decision_removes_at_most_half_of_the_ready_pods() -> None:
    assert [decide(0.0, 0.0, ready).desired for ready in (10, 5, 2, 1, 0)] == [5, 2, 1, 0, 0]


def test_an_unreachable_revision_goes_down_at_once() -> None:
    assert decide(0.0, 0.0, 10, replace(P, reachable=False)).desired == 0


def test_one_decision_multiplies_the_ready_pods_by_the_rate_at_most() -> None:
    slow = replace(P, max_scale_up_rate=1.1)
    assert decide(1000.0, 1000.0, 1, slow).desired == 2
    assert decide(1000.0, 1000.0, 0, slow).desired == 2
    assert decide(1000.0, 1000.0, 20, slow).desired == 22


def test_panic_begins_at_the_threshold_of_rounded_up_pods() -> None:
    assert not decide(0.0, 10.0, 1).panicking
    assert decide(0.0, 10.1, 1).panicking
    assert not decide(0.0, 30.0, 2).panicking
    assert decide(0.0, 30.1, 2).panicking


def test_panic_takes_the_larger_of_both_answers() -> None:
    assert decide(30.0, 50.0) == Decision(5, -1 * (211 - 10 + 50), True, True, 5)
    assert decide(80.0, 50.0).desired == 8


def test_in_panic_the_count_only_grows() -> None:
    decider = Decider(P, now=T, ready=1)
    desired = [
        decider.decide(T + 2 * tick, 1, Observation(panic, panic)).desired
        for tick, panic in enumerate([25.0, 45.0, 15.0, 5.0, 0.0], 1)
    ]
    assert desired == [3, 5, 5, 5, 5]


def test_panic_ends_later_than_a_stable_window_after_the_last_excess() -> None:
    decider = Decider(P, now=T, ready=1)
    assert decider.decide(T + 2, 1, Observation(25.0, 25.0)).panicking
    assert decider.decide(T + 62, 3, Observation(0.0, 0.0)) == Decision(3, -181, True, True, 3)
    ended = decider.decide(T + 64, 3, Observation(0.0, 0.0))
    assert ended == Decision(1, -181, True, False, 0)
    assert not decider.panicking


def test_excess_during_panic_extends_it() -> None:
    decider = Decider(P, now=T, ready=1)
    decider.decide(T + 2, 1, Observation(25.0, 25.0))
    decider.decide(T + 40, 1, Observation(25.0, 25.0))
    assert decider.decide(T + 100, 1, Observation(0.0, 0.0)).panicking
    assert not decider.decide(T + 102, 1, Observation(0.0, 0.0)).panicking


def test_a_restart_with_pods_starts_in_panic_and_holds_them() -> None:
    decider = Decider(P, now=T, ready=5)
    assert decider.panicking
    assert decider.decide(T + 2, 5, Observation(0.0, 0.0)).desired == 5
    assert decider.decide(T + 60, 5, Observation(0.0, 0.0)).desired == 5
    assert decider.decide(T + 62, 5, Observation(0.0, 0.0)).desired == 2


@pytest.mark.parametrize("ready", [None, 0, 1])
def test_a_start_without_pods_or_with_one_is_calm(ready: int | None) -> None:
    decider = Decider(P, now=T, ready=ready)
    assert not decider.panicking
    assert decider.decide(T + 2, 1, Observation(0.0, 0.0)).max_panic_pods == (ready or 0)


def test_the_smallest_start_in_panic_has_two_pods() -> None:
    assert Decider(P, now=T, ready=2).panicking


def test_an_unknown_input_decides_nothing_and_changes_nothing() -> None:
    decider = Decider(replace(P, scale_down_delay_seconds=60.0), now=T, ready=3)
    unknown = Decision(0, 0, False, True, 3)
    assert decider.decide(T + 100, None, Observation(0.0, 0.0)) == unknown
    assert decider.decide(T + 100, 3, None) == unknown
    assert decider.decide(T + 2, 3, Observation(0.0, 0.0)).desired == 3


def test_an_activation_scale_lifts_any_load_above_the_rate_but_not_none() -> None:
    lifted = replace(P, activation_scale=5, max_scale_up_rate=2.0)
    assert decide(1.0, 1.0, 1, lifted).desired == 5
    assert decide(0.0, 0.0, 1, lifted).desired == 0
    assert decide(100.0, 0.0, 10, lifted).desired == 10
    assert decide(0.0, 25.0, 1, lifted).desired == 5
    assert decide(1.0, 1.0, 1, replace(P, activation_scale=1)).desired == 1
    assert decide(1.0, 1.0, 1, replace(P, activation_scale=2)).desired == 2


def test_a_delay_keeps_a_larger_decision_alive() -> None:
    decider = Decider(replace(P, scale_down_delay_seconds=6.0), now=T, ready=1)
    desired = [
        decider.decide(T + 2 * tick, 3, Observation(stable, 0.0)).desired
        for tick, stable in enumerate([30.0, 5.0, 5.0, 5.0], 1)
    ]
    assert desired == [3, 3, 3, 1]


def test_an_unreachable_revision_is_not_delayed() -> None:
    decider = Decider(replace(P, scale_down_delay_seconds=60.0), now=T, ready=1)
    decider.decide(T + 2, 3, Observation(30.0, 0.0))
    decider.parameters = replace(P, scale_down_delay_seconds=60.0, reachable=False)
    assert decider.decide(T + 4, 3, Observation(0.0, 0.0)).desired == 0


def test_a_delay_set_later_does_not_apply() -> None:
    decider = Decider(P, now=T, ready=1)
    decider.parameters = replace(P, scale_down_delay_seconds=60.0)
    decider.decide(T + 2, 2, Observation(20.0, 0.0))
    assert decider.decide(T + 4, 2, Observation(0.0, 0.0)).desired == 1


@pytest.mark.parametrize(
    ("burst", "ready", "panic", "excess"),
    [
        (211.0, 0, 0.0, -211),
        (211.0, 30, 0.5, 88),
        (0.0, 0, 100.0, 0),
        (-1.0, 50, 0.0, -1),
        (-2.0, 50, 0.0, -1),
        (7.5, 1, 0.0, 2),
        (7.0, 1, 3.5, -1),
        (0.5, 1, 0.0, 9),
        (math.nan, 1, 0.0, -1),
    ],
)
def test_burst_capacity_counts_true_ready_pods(burst: float, ready: int, panic: float, excess: int) -> None:
    parameters = replace(P, target_burst_capacity=burst)
    assert excess_burst_capacity(parameters, ready, panic) == excess
    assert decide(0.0, panic, ready, parameters).excess_burst_capacity == excess


def test_the_first_burst_capacity_is_that_of_the_initial_pods() -> None:
    assert first_excess_burst_capacity(replace(P, target_burst_capacity=0.0)) == 0
    assert first_excess_burst_capacity(replace(P, target_burst_capacity=-1.0)) == -1
    assert first_excess_burst_capacity(replace(P, initial_scale=3)) == -181
    assert first_excess_burst_capacity(replace(P, target_burst_capacity=7.5)) == 2
    assert first_excess_burst_capacity(replace(P, target_burst_capacity=10.5, initial_scale=1)) == 0


def test_a_target_that_is_no_number_does_not_stop_the_autoscaler() -> None:
    decision = decide(5.0, 5.0, 1, replace(P, target_value=math.nan))
    assert decision.valid
    assert not decision.panicking
