"""Which scenarios run side by side: as many as the budget allows, in the order in which they ask.

Most of a scenario's time is waiting for 60-second windows, so a dozen share a machine, but two heavy loads never do. A
scenario that is larger than the budget in any respect, or takes something away from the whole cluster, runs with
nothing beside it. Later scenarios may overtake one that does not fit yet; as all scenarios are known and finite, none
starves.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from conformance.catalogue.scenario import Scenario
from conformance.settings.settings import Budgets

TEARDOWN_SECONDS: Final = 2.0
"""Between the end of a scenario's last step and its place being free again."""


class Room:
    """What is in use of a budget. Without a stated number of accelerators the scenarios that need some take turns, as
    each counts on knowing how many are free."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._running: dict[str, Scenario] = {}

    def fits(self, scenario: Scenario) -> bool:
        """Whether it may start now."""
        running = self._running.values()
        if not running:
            return True
        if self._alone(scenario) or any(map(self._alone, running)):
            return False
        both = [*running, scenario]
        limits = self._budgets
        return (
            len(both) <= limits.scenarios
            and sum(other.budget.load for other in both) <= limits.load_rps
            and sum(other.budget.pods for other in both) <= limits.pods
            and self._accelerators_fit(both)
        )

    def _accelerators_fit(self, scenarios: Sequence[Scenario]) -> bool:
        needs = [other.budget.gpus for other in scenarios if other.budget.gpus]
        limit = self._budgets.gpus
        return len(needs) <= 1 if limit is None else sum(needs) <= limit

    def _alone(self, scenario: Scenario) -> bool:
        return scenario.alone or self._too_large(scenario)

    def _too_large(self, scenario: Scenario) -> bool:
        need, limits = scenario.budget, self._budgets
        return (
            need.load > limits.load_rps
            or need.pods > limits.pods
            or (limits.gpus is not None and need.gpus > limits.gpus)
        )

    def take(self, scenario: Scenario) -> None:
        """Count it as running."""
        self._running[scenario.name] = scenario

    def give(self, scenario: Scenario) -> None:
        """Count it as over."""
        del self._running[scenario.name]


class Admission:
    """The queue in front of a room."""

    def __init__(self, budgets: Budgets) -> None:
        self._room = Room(budgets)
        self._waiting: list[tuple[Scenario, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def admit(self, scenario: Scenario) -> AsyncIterator[None]:
        """Wait for a place, hold it for the block."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((scenario, turn))
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(scenario)
            else:
                self._waiting.remove((scenario, turn))
            raise
        try:
            yield
        finally:
            self._leave(scenario)

    def _leave(self, scenario: Scenario) -> None:
        self._room.give(scenario)
        self._let_in()

    def _let_in(self) -> None:
        waiting, self._waiting = self._waiting, []
        for scenario, turn in waiting:
            if not turn.done() and self._room.fits(scenario):
                self._room.take(scenario)
                turn.set_result(None)
            else:
                self._waiting.append((scenario, turn))


def starts(scenarios: Sequence[Scenario], budgets: Budgets) -> dict[str, float]:
    """Predicted start of each scenario in seconds from the first, all asking at once in the order given."""
    room, now = Room(budgets), 0.0
    waiting, found = list(scenarios), {}
    ends: list[tuple[float, int, Scenario]] = []
    while waiting:
        later = []
        for scenario in waiting:
            if room.fits(scenario):
                room.take(scenario)
                found[scenario.name] = now
                heapq.heappush(ends, (now + scenario.seconds + TEARDOWN_SECONDS, len(found), scenario))
            else:
                later.append(scenario)
        waiting = later
        if waiting:
            now, _, done = heapq.heappop(ends)
            room.give(done)
    return found


def predict(scenarios: Sequence[Scenario], budgets: Budgets) -> float:
    """Predicted wall time of all scenarios in seconds."""
    begun = starts(scenarios, budgets)
    return max((begun[entry.name] + entry.seconds + TEARDOWN_SECONDS for entry in scenarios), default=0.0)


def fullest(scenarios: Sequence[Scenario], budgets: Budgets) -> tuple[int, int]:
    """Most pods, and most accelerators, that the predicted course has in use at any one time."""
    begun = starts(scenarios, budgets)
    pods = gpus = 0
    for moment in begun.values():
        running = [entry for entry in scenarios if begun[entry.name] <= moment < begun[entry.name] + entry.seconds]
        pods = max(pods, sum(entry.budget.pods for entry in running))
        gpus = max(gpus, sum(entry.budget.gpus for entry in running))
    return pods, gpus
