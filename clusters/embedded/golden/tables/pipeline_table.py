"""The autoscaler on its own timers: scrapes on whole seconds, ticks from half a second on, pokes in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.golden.golden_fields import parameters_from
from clusters.embedded.golden.tally import ReplayTally
from conformance.model.collector import Stat
from conformance.model.config import TICK_SECONDS
from conformance.model.kpa import Kpa

_CREATED_SECONDS: Final = 0.5
"""When the autoscaler is created; its ticks keep this phase."""


def replay_pipeline(tally: ReplayTally, scenario: Mapping[str, Any]) -> None:
    """pipeline: what is published at first, and every change the reconciler is told of."""
    start = scenario["t0_unix"]
    kpa = Kpa(parameters_from(scenario["resolved"]), now=start + _CREATED_SECONDS, ready=scenario["ready"])
    place = scenario["scenario"]
    tally.compare(
        f"{place}, first status",
        {"status": scenario["first_status"]},
        {"status": [kpa.desired, kpa.excess_burst_capacity]},
    )
    loads = scenario["load_at_second_1_on"]
    informs: list[list[float]] = []
    for at, kind, value in sorted(_events(scenario), key=lambda event: event[:2]):
        now = start + at
        if kind == _SCRAPE:
            if kpa.parameters.scrape:
                kpa.record(now, Stat(value, 0.0, value, 0.0), from_activator=False)
            continue
        if kind == _MESSAGE and not kpa.record(now, Stat(value, 0.0, value, 0.0), from_activator=True):
            continue
        if kpa.tick(now, scenario["ready"])[1]:
            informs.append([at, kpa.desired, kpa.excess_burst_capacity])
    for number in range(max(len(scenario["informs"]), len(informs))):
        expected = scenario["informs"][number] if number < len(scenario["informs"]) else None
        got = informs[number] if number < len(informs) else None
        tally.compare(f"{place}, inform {number + 1} of {len(loads)} s", {"inform": expected}, {"inform": got})


_SCRAPE, _MESSAGE, _TICK = range(3)


def _events(scenario: Mapping[str, Any]) -> list[tuple[float, int, float]]:
    """(second, kind, load): scrapes, activator messages and ticks up to the last second with a load."""
    loads = scenario["load_at_second_1_on"]
    events = [(float(second), _SCRAPE, load) for second, load in enumerate(loads, 1)]
    events += [(at, _MESSAGE, concurrency) for at, concurrency, *_ in scenario["activator_messages"] or ()]
    tick = _CREATED_SECONDS + TICK_SECONDS
    while tick <= len(loads):
        events.append((tick, _TICK, 0.0))
        tick += TICK_SECONDS
    return events
