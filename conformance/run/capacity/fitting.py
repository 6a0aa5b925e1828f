"""What of a run fits a cluster: how much may run side by side, and which scenarios cannot be decided there at all.

A scenario that needs more pods than the cluster has room for ends in pods without a place, and one whose pods take a
minute of all cores to start starves whatever runs beside it: the autoscaler then sees what that made of the load.
Either is left out before it wastes ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from conformance.catalogue.scenario import Scenario
from conformance.run.capacity.cluster_room import PodNeed, Room
from conformance.run.capacity.pod_cost import PodCost
from conformance.settings.settings import Budgets

SIDE_BY_SIDE_SECONDS: Final = 20.0
"""All pods that scenarios side by side may start, as seconds of all cores: a third of a stable window, so that starting
decides neither what a window's mean is made of nor for how long panic lasts."""
ALONE_SECONDS: Final = 60.0
"""The same for one scenario that runs alone: beyond a whole stable window what is measured is the starting."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What may run."""

    budgets: Budgets
    left_out: Mapping[str, str]
    """Scenarios that cannot be decided on this cluster, with the reason."""
    notes: tuple[str, ...] = ()


def fit(scenarios: Sequence[Scenario], budgets: Budgets, room: Room | None, cost: PodCost | None) -> Fit:
    """Narrow the budgets to the cluster. What could not be read narrows nothing."""
    if room is None:
        return Fit(budgets, {}, ("what is free on the cluster's nodes cannot be read; the budgets are as set",))
    need = cost.need if cost is not None else PodNeed()
    places = room.takes(need)
    together, alone = _startable(room, cost, SIDE_BY_SIDE_SECONDS), _startable(room, cost, ALONE_SECONDS)
    left_out = {entry.name: why for entry in scenarios if (why := _too_much(entry, room, need, cost, places, alone))}
    pods = max(1, min(budgets.pods, places, together))
    notes = [room.words(need)]
    if cost is not None:
        notes.append(cost.words())
    if pods < budgets.pods:
        notes.append(f"at most {pods} pods side by side, not {budgets.pods}")
    return Fit(replace(budgets, pods=pods), left_out, tuple(notes))


def _startable(room: Room, cost: PodCost | None, seconds: float) -> int:
    """Pods that all cores together start in so many seconds; no limit where that is not known."""
    if cost is None or not cost.cpu_seconds:
        return 1_000_000
    return int(seconds * room.cores / cost.cpu_seconds)


def _too_much(
    scenario: Scenario, room: Room, need: PodNeed, cost: PodCost | None, places: int, alone: int
) -> str | None:
    pods = scenario.budget.pods
    if pods > places:
        return f"needs {pods} pods; {room.words(need)}"
    if cost is not None and cost.cpu_seconds and pods > alone:
        seconds = pods * cost.cpu_seconds / room.cores
        return (
            f"its {pods} pods take {seconds:.0f} s of this cluster's {room.cores:g} cores to start "
            f"({cost.cpu_seconds:.1f} CPU seconds each), which is more than a stable window"
        )
    return None
