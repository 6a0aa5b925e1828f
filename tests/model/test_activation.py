"""The Active condition, the mode and the activators."""

from __future__ import annotations

import pytest

from conformance.model.activation import (
    Activation,
    Mode,
    Status,
    change,
    choose_mode,
    count_activators,
    created,
    judge,
    ready_minimum,
)
from conformance.model.parameters import Parameters

T = 1_000.0
TRUE = Activation(Status.TRUE, "", 900.0)
FALSE = Activation(Status.FALSE, "NoTraffic", 900.0)
QUEUED = Activation(Status.UNKNOWN, "Queued", 900.0)


def test_a_condition_is_as_old_as_its_last_change_in_whole_seconds() -> None:
    assert created(12.9) == Activation(Status.UNKNOWN, "", 12.0)
    assert change(TRUE, Status.TRUE, "", T) is TRUE
    assert change(FALSE, Status.FALSE, "TimedOut", 1000.7) == Activation(Status.FALSE, "TimedOut", 1000.0)
    assert change(FALSE, Status.UNKNOWN, "NoTraffic", 1000.7) == Activation(Status.UNKNOWN, "NoTraffic", 1000.0)
    assert TRUE.age(950.5) == 50.5


def test_the_initial_scale_counts_until_it_was_reached() -> None:
    parameters = Parameters(min_scale=2, initial_scale=3)
    assert ready_minimum(parameters, initialized=False) == 3
    assert ready_minimum(parameters, initialized=True) == 2
    assert ready_minimum(Parameters(initial_scale=3), initialized=True) == 1
    assert ready_minimum(Parameters(initial_scale=0), initialized=False) == 0


@pytest.mark.parametrize(
    ("before", "want", "ready", "after"),
    [
        (QUEUED, 1, 0, QUEUED),
        (QUEUED, -1, 0, QUEUED),
        (created(900), -1, 0, Activation(Status.UNKNOWN, "Queued", T)),
        (QUEUED, 1, 1, Activation(Status.TRUE, "", T)),
        (QUEUED, -1, 1, Activation(Status.TRUE, "", T)),
        (QUEUED, 0, 0, Activation(Status.FALSE, "TimedOut", T)),
        (TRUE, 0, 1, Activation(Status.FALSE, "NoTraffic", T)),
        (TRUE, 1, 1, TRUE),
        (TRUE, -1, 1, TRUE),
        (TRUE, 1, 0, Activation(Status.UNKNOWN, "Queued", T)),
        (TRUE, -1, 0, Activation(Status.UNKNOWN, "Queued", T)),
        (FALSE, 0, 0, FALSE),
        (FALSE, -1, 0, FALSE),
        (FALSE, -1, 1, FALSE),
        (FALSE, 1, 0, Activation(Status.UNKNOWN, "Queued", T)),
        (FALSE, 1, 1, Activation(Status.TRUE, "", T)),
        (Activation(Status.FALSE, "TimedOut", 900.0), 0, 0, Activation(Status.FALSE, "NoTraffic", T)),
        (Activation(Status.FALSE, "TimedOut", 900.0), -1, 0, Activation(Status.FALSE, "NoTraffic", T)),
        (
            Activation(Status.FALSE, "TimedOut", 900.0),
            -1,
            1,
            Activation(Status.FALSE, "TimedOut", 900.0),
        ),
    ],
)
def test_the_condition_follows_wanted_and_ready_pods(
    before: Activation, want: int, ready: int, after: Activation
) -> None:
    assert judge(before, Parameters(), initialized=True, want=want, ready=ready, now=T) == (after, True)


def test_a_revision_is_initialized_once_and_for_all() -> None:
    parameters = Parameters(initial_scale=3)
    assert judge(QUEUED, parameters, initialized=False, want=3, ready=2, now=T) == (QUEUED, False)
    assert judge(QUEUED, parameters, initialized=False, want=3, ready=3, now=T)[1]
    assert judge(TRUE, parameters, initialized=True, want=3, ready=0, now=T)[1]
    assert judge(TRUE, parameters, initialized=True, want=3, ready=1, now=T) == (TRUE, True)


def test_the_condition_of_the_round_that_initializes_still_uses_the_initial_scale() -> None:
    zero = Parameters(initial_scale=0)
    assert judge(created(900), zero, initialized=False, want=-1, ready=0, now=T) == (
        Activation(Status.FALSE, "NoTraffic", T),
        True,
    )


def test_pods_serve_directly_only_with_burst_capacity_to_spare() -> None:
    assert choose_mode(1, 0) is Mode.SERVE
    assert choose_mode(1, -1) is Mode.PROXY
    assert choose_mode(0, 5) is Mode.PROXY
    assert choose_mode(-1, 5) is Mode.PROXY


@pytest.mark.parametrize(
    ("burst", "capacity", "total", "ready", "activators"),
    [
        (0.0, 1.0, 1000.0, 50, 2),
        (-1.0, 100.0, 100.0, 3, 3),
        (-1.0, 100.0, 100.0, 0, 2),
        (211.0, 100.0, 1.0, 0, 3),
        (211.0, 100.0, 100.0, 1, 4),
        (100.0, 100.0, 100.0, 2, 3),
    ],
)
def test_activators_cover_what_pods_and_burst_can_take(
    burst: float, capacity: float, total: float, ready: int, activators: int
) -> None:
    parameters = Parameters(target_burst_capacity=burst, activator_capacity=capacity, total_value=total)
    assert count_activators(parameters, ready) == activators
