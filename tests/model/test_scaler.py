"""Bounds, initial scale and the way to zero."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.model.activation import Activation, Mode, Status
from conformance.model.parameters import Parameters
from conformance.model.scaler import Path, Scale, clamp, scale, to_zero

T = 10_000.0
P = Parameters(activation_timeout_seconds=60.0)
DIRECT = Path(Mode.SERVE, None, True)


def since(status: Status, age: float) -> Activation:
    return Activation(status, "", T - age)


def proxied(seconds: float, *, answers: bool = True) -> Path:
    return Path(Mode.PROXY, T - seconds, answers)


def inactive(age: float, path: Path, parameters: Parameters = P) -> Scale:
    return to_zero(0, parameters, since(Status.FALSE, age), path, T)


@pytest.mark.parametrize(("desired", "clamped"), [(-1, 2), (0, 2), (1, 2), (2, 2), (4, 4), (5, 5), (6, 5)])
def test_a_count_is_held_within_its_bounds(desired: int, clamped: int) -> None:
    assert clamp(desired, Parameters(min_scale=2, max_scale=5), initialized=True) == clamped


def test_a_maximum_of_zero_is_none() -> None:
    assert clamp(1000, Parameters(), initialized=True) == 1000
    assert clamp(1000, Parameters(max_scale=1), initialized=True) == 1


def test_the_initial_scale_is_a_lower_bound_until_reached_even_above_the_maximum() -> None:
    parameters = Parameters(initial_scale=5, min_scale=1, max_scale=2)
    assert clamp(0, parameters, initialized=False) == 5
    assert clamp(5, parameters, initialized=False) == 2
    assert clamp(0, parameters, initialized=True) == 1
    assert clamp(0, replace(parameters, reachable=False, min_scale=0), initialized=False) == 0
    assert clamp(0, Parameters(initial_scale=1), initialized=False) == 0
    assert clamp(0, Parameters(initial_scale=2), initialized=False) == 2
    assert clamp(0, Parameters(initial_scale=2, min_scale=3), initialized=False) == 3


def test_an_unknown_count_is_applied_only_while_activating() -> None:
    for status in (Status.TRUE, Status.FALSE):
        activation = since(status, 5)
        assert scale(-1, replace(P, min_scale=3), activation, DIRECT, initialized=True, now=T) == Scale(-1, False)
    activating = since(Status.UNKNOWN, 5)
    assert scale(-1, replace(P, min_scale=3), activating, DIRECT, initialized=True, now=T) == Scale(3, True)
    assert scale(-1, P, activating, DIRECT, initialized=True, now=T) == Scale(-1, False, 60.0)
    assert scale(0, P, since(Status.TRUE, 5), DIRECT, initialized=True, now=T) == Scale(1, True, 55.0)


def test_a_count_above_zero_is_applied() -> None:
    assert to_zero(3, P, since(Status.TRUE, 0), DIRECT, T) == Scale(3, True)
    assert to_zero(-1, P, since(Status.UNKNOWN, 0), DIRECT, T) == Scale(-1, True)


def test_one_pod_stays_where_scale_to_zero_is_disabled() -> None:
    disabled = replace(P, scale_to_zero=False)
    for status in Status:
        assert to_zero(0, disabled, since(status, 1000), proxied(1000), T) == Scale(1, True)


def test_an_activating_revision_gets_its_time() -> None:
    assert to_zero(0, P, since(Status.UNKNOWN, 60), DIRECT, T) == Scale(-1, False, 60.0)
    assert to_zero(0, P, since(Status.UNKNOWN, 61), DIRECT, T) == Scale(0, True)


def test_an_active_revision_stays_for_a_stable_window() -> None:
    assert to_zero(0, P, since(Status.TRUE, 59), proxied(100), T) == Scale(1, True, 1.0)
    assert to_zero(0, P, since(Status.TRUE, 60), DIRECT, T) == Scale(0, False)
    assert to_zero(0, P, since(Status.TRUE, 60), proxied(0), T) == Scale(0, False, 3.0)


def test_the_last_pod_stays_while_the_activator_does_not_answer() -> None:
    assert inactive(100, proxied(100, answers=False)) == Scale(0, False, None, True)


def test_a_revision_always_proxied_needs_no_probe() -> None:
    assert inactive(30, proxied(100, answers=False), replace(P, target_burst_capacity=-1.0)) == Scale(0, True)


def test_the_last_pod_goes_after_the_grace_period() -> None:
    assert inactive(29, DIRECT) == Scale(0, False, 30.0)
    assert inactive(30, DIRECT) == Scale(0, True)


def test_the_last_pod_goes_earlier_if_the_activator_was_in_the_path_for_that_long() -> None:
    assert inactive(0, proxied(29)) == Scale(0, False, 1.0)
    assert inactive(0, proxied(30)) == Scale(0, True)


def test_a_retention_holds_the_last_pod_whatever_the_path() -> None:
    retained = replace(P, pod_retention_seconds=45.0)
    assert inactive(44, proxied(100), retained) == Scale(0, False, 1.0)
    assert inactive(45, DIRECT, retained) == Scale(0, True)
    short = replace(P, pod_retention_seconds=10.0)
    assert inactive(9, proxied(100), short) == Scale(0, False, 1.0)
    assert inactive(10, proxied(100), short) == Scale(0, True)
    assert inactive(10, proxied(20), short) == Scale(0, False, 10.0)
    assert inactive(0.5, proxied(100), replace(P, pod_retention_seconds=1.0)) == Scale(0, False, 0.5)
