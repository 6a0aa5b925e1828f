"""When a scenario is stopped, and when it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.run.capacity.overload import Overload, Reading
from conformance.run.overload_guard import prompt_in_flight


def stopped(course: Callable[[int], Reading], pods: int = 12, seconds: int = 120) -> tuple[int, str] | None:
    """The first second with a sign, and the sign."""
    overload = Overload(pods)
    for second in range(seconds):
        if sign := overload.sign(course(second)):
            return second, sign
    return None


def at(second: int, **changes: float) -> Reading:
    usual: dict[str, float] = {"pods": 8, "placeless": 0, "ready": 8, "in_flight": 10, "prompt": 10.0}
    values = {**usual, **changes}
    return Reading(
        float(second), int(values["pods"]), int(values["placeless"]), int(values["ready"]), int(values["in_flight"]),
        values["prompt"],
    )  # fmt: skip


def test_a_scenario_that_is_carried_goes_on() -> None:
    assert stopped(at) is None


def test_pods_beyond_all_expectation_that_find_no_node_stop_it_after_half_a_minute() -> None:
    found = stopped(lambda second: at(second, pods=144, placeless=104))
    assert found is not None
    assert found[0] == 30
    assert found[1].startswith("144 pods, 104 of them without a node, where at most 24 were expected")


@pytest.mark.parametrize("changes", [{"pods": 144}, {"pods": 24, "placeless": 9}])
def test_many_pods_that_run_and_few_that_wait_do_not(changes: dict[str, float]) -> None:
    assert stopped(lambda second: at(second, **changes)) is None


def test_a_queue_that_grows_without_end_stops_it() -> None:
    found = stopped(lambda second: at(second, in_flight=30 * second))
    assert found is not None
    assert 35 <= found[0] <= 45
    assert "requests in flight and rising" in found[1]


@pytest.mark.parametrize(
    "course",
    [
        lambda second: at(second, in_flight=30 * second, ready=0),
        lambda second: at(second, in_flight=800),
        lambda second: at(second, in_flight=3000 if second < 20 else 10),
        lambda second: Reading(float(second), 8, 0, 8, 30 * second, None),
    ],
    ids=["no-pod-yet", "long-but-steady", "a-surge-that-passes", "limited-concurrency"],
)
def test_a_queue_that_is_no_sign_of_it_does_not(course: Callable[[int], Reading]) -> None:
    assert stopped(course) is None


def test_only_open_loads_have_a_usual_number_in_flight() -> None:
    assert prompt_in_flight(scenarios()["target-concurrency"]) is None
    assert prompt_in_flight(scenarios()["target-qps-meant"]) == pytest.approx(50 * 0.02, rel=1.0)
