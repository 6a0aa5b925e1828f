import asyncio
from dataclasses import replace

import pytest

from conformance.base.clock import run_virtual
from conformance.catalogue.scenario import Budget, Scenario, Step
from conformance.run.budget import Admission, predict, starts
from conformance.settings.settings import Budgets


def scenario(name: str, seconds: float = 10.0, pods: int = 1, gpus: int = 0, load: float = 0.0) -> Scenario:
    steps = (Step("settle", seconds=seconds),)
    return Scenario(name, name, "", "", steps, start_seconds=0.0, budget=Budget(pods, gpus, load))


async def observe(scenarios: list[Scenario], budgets: Budgets) -> dict[str, float]:
    admission, started = Admission(budgets), {}

    async def one(entry: Scenario) -> None:
        async with admission.admit(entry):
            started[entry.name] = asyncio.get_running_loop().time()
            await asyncio.sleep(entry.seconds + 2.0)

    async with asyncio.TaskGroup() as group:
        for entry in scenarios:
            group.create_task(one(entry))
    return started


def test_scenarios_run_side_by_side_within_every_budget() -> None:
    both = [scenario("a", load=300), scenario("b", load=300)]
    assert run_virtual(observe(both, Budgets(load_rps=600))) == {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize(
    ("budget", "limits"),
    [
        ({"load": 400}, Budgets(load_rps=600)),
        ({"pods": 40}, Budgets(pods=60)),
        ({"gpus": 3}, Budgets(gpus=4)),
        ({"gpus": 1}, Budgets(gpus=None)),
        ({}, Budgets(scenarios=1)),
    ],
)
def test_what_together_exceeds_a_budget_runs_one_after_the_other(budget: dict[str, int], limits: Budgets) -> None:
    both = [scenario("a", **budget), scenario("b", **budget)]
    assert run_virtual(observe(both, limits)) == {"a": 0.0, "b": 15.0}


def test_a_scenario_larger_than_the_budget_runs_alone() -> None:
    three = [scenario("huge", load=2500), scenario("idle"), scenario("other")]
    assert run_virtual(observe(three, Budgets())) == {"huge": 0.0, "idle": 15.0, "other": 15.0}


def test_a_scenario_that_takes_something_from_all_runs_alone() -> None:
    away = replace(scenario("away"), steps=(Step("metrics-away", seconds=10.0),))
    three = [away, scenario("idle"), scenario("other")]
    assert run_virtual(observe(three, Budgets())) == {"away": 0.0, "idle": 15.0, "other": 15.0}


def test_a_small_scenario_overtakes_one_that_does_not_fit_yet() -> None:
    three = [scenario("first", load=400), scenario("second", load=400), scenario("small", load=10)]
    assert run_virtual(observe(three, Budgets())) == {"first": 0.0, "small": 0.0, "second": 15.0}


def test_the_prediction_is_what_admission_does() -> None:
    many = [scenario(f"s{n}", seconds=5 + n * 7 % 11, load=n * 90 % 400, pods=1 + n * 5 % 30) for n in range(20)]
    assert starts(many, Budgets()) == pytest.approx(run_virtual(observe(many, Budgets())))


def test_a_prediction_ends_with_the_last_scenario() -> None:
    assert predict([scenario("a"), scenario("b", seconds=20)], Budgets()) == 25.0
    assert predict([], Budgets()) == 0.0


def test_a_cancelled_scenario_gives_its_place_to_the_next() -> None:
    async def main() -> list[str]:
        admission, order = Admission(Budgets(scenarios=1)), []

        async def one(name: str) -> None:
            async with admission.admit(scenario(name)):
                order.append(name)
                await asyncio.sleep(100)

        tasks = [asyncio.create_task(one(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(1)
        tasks[1].cancel()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order

    assert run_virtual(main()) == ["a", "c"]
