"""Replaying traces: parameters resolved, reports recorded, and every decision compared."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from clusters.embedded.golden.golden_fields import (
    annotations_from,
    config_from,
    flag,
    parameters_from,
    resolved_from,
    stats_from,
)
from clusters.embedded.golden.report_arrivals import ReportArrivals
from clusters.embedded.golden.tally import ReplayTally, same
from conformance.model.activation import count_activators
from conformance.model.collector import Observation
from conformance.model.decider import Decision
from conformance.model.kpa import Kpa
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve


def replay(file: str, trace: Mapping[str, Any]) -> ReplayTally:
    """Replay one trace."""
    tally = ReplayTally(file)
    _compare_parameters(tally, trace)
    start = trace["t0_unix"]
    kpa = Kpa(parameters_from(trace["resolved"]), now=start, ready=trace["initial_ready"])
    mailbox = _Mailbox(trace)
    updates = deque(trace.get("updates") or ())
    for row in trace["ticks"]:
        tick = dict(zip(trace["tick_cols"], row, strict=True))
        while updates and updates[0]["t"] <= tick["t"]:
            update = updates.popleft()
            mailbox.deliver(kpa, math.ceil(update["t"]) - 1)
            kpa.update(parameters_from(update["resolved"]), start + update["t"])
        mailbox.deliver(kpa, math.floor(tick["t"]))
        mailbox.explain(kpa, tick)
        observed, decision = decide(kpa, start + tick["t"], tick["ready"])
        tally.compare(
            f"tick {tick['t']}", tick, tick_fields(tick["t"], tick["ready"], observed, decision, kpa.parameters)
        )
    return tally


def _compare_parameters(tally: ReplayTally, trace: Mapping[str, Any]) -> None:
    parameters = resolve(
        config_from(trace["configmap"]),
        annotations_from(trace["annotations"]),
        trace["container_concurrency"],
        trace["reachability"],
    )
    tally.compare("resolved", trace["resolved"], resolved_from(parameters))


class _Mailbox:
    """The reports of a trace on their way."""

    def __init__(self, trace: Mapping[str, Any]) -> None:
        self._start = trace["t0_unix"]
        self._stats = stats_from(trace["stats"], trace["stats_cols"])
        self._arrivals = ReportArrivals([stamp for stamp, _ in self._stats])
        self._delivered = 0
        self._early = 0

    def deliver(self, kpa: Kpa, second: int) -> None:
        """Hand over what must have arrived by the end of `second`."""
        self._deliver_to(kpa, self._arrivals.fewest(second))

    def explain(self, kpa: Kpa, tick: Mapping[str, Any]) -> None:
        """Hand over as many reports that may have arrived too as explain what the tick saw.

        If nothing does, as many as at the tick before: then the mismatch is the tick's own.
        """
        if self._sees(kpa, tick):
            return
        fewest = self._delivered
        most = self._arrivals.most(math.floor(tick["t"]))
        if most <= self._delivered:
            return
        collector = deepcopy(kpa.collector)
        for count in range(fewest + 1, most + 1):
            self._deliver_to(kpa, count)
            if self._sees(kpa, tick):
                self._early = count - fewest
                return
        kpa.collector, self._delivered = collector, fewest
        self._deliver_to(kpa, min(most, fewest + self._early))

    def _deliver_to(self, kpa: Kpa, count: int) -> None:
        for stamp, stat in self._stats[self._delivered : count]:
            kpa.record(self._start + stamp, stat, from_activator=False)
        self._delivered = max(self._delivered, count)

    def _sees(self, kpa: Kpa, tick: Mapping[str, Any]) -> bool:
        observed = kpa.observe(self._start + tick["t"])
        if observed is None:
            return tick["stable"] is None and tick["panic"] is None
        return same(tick["stable"], observed.stable) and same(tick["panic"], observed.panic)


def decide(kpa: Kpa, now: float, ready: int | None) -> tuple[Observation | None, Decision]:
    """One tick: what was seen and what was decided."""
    observed = kpa.observe(now)
    return observed, kpa.tick(now, ready)[0]


def tick_fields(
    t: float, ready: int | None, observed: Observation | None, decision: Decision, parameters: Parameters
) -> dict[str, Any]:
    """A decision in the words of a recording."""
    return {
        "t": t,
        "ready": ready,
        "stable": None if observed is None else observed.stable,
        "panic": None if observed is None else observed.panic,
        "desired": decision.desired,
        "ebc": decision.excess_burst_capacity,
        "panic_mode": flag(decision.panicking),
        "max_panic_pods": decision.max_panic_pods,
        "num_activators": None if ready is None else count_activators(parameters, ready),
        "valid": flag(decision.valid),
    }
