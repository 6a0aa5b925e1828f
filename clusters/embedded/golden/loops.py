"""Replaying loops: the whole autoscaler with a deployment that follows, second by second.

The order within a second is the recording's: pods become ready, the activator reports, pods are scraped, the autoscaler
ticks on even seconds, reconciles once, and the deployment follows at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from clusters.embedded.golden.golden_fields import annotations_from, config_from, flag, resolved_from
from clusters.embedded.golden.tally import ReplayTally
from clusters.embedded.golden.traces import decide, tick_fields
from conformance.model.activation import Mode, Status
from conformance.model.collector import Stat
from conformance.model.config import TICK_SECONDS
from conformance.model.keys import RPS
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve

_ACTIVE: Final = {Status.TRUE: 1, Status.FALSE: 0, Status.UNKNOWN: -1}


def replay(file: str, loop: Mapping[str, Any]) -> ReplayTally:
    """Replay one loop: every second, every decision and every request to look again."""
    tally = ReplayTally(file)
    simulation = _Simulation(loop)
    for row in loop["rows"]:
        second = dict(zip(loop["row_cols"], row, strict=True))
        tally.compare(f"second {second['t']}", second, simulation.advance(second["t"], second["load"]))
    tally.compare("resolved", loop["resolved"], simulation.resolved())
    _compare_lists(tally, "tick", loop["tick_cols"], loop["ticks"], simulation.ticks)
    _compare_lists(tally, "requeue", ["t", "seconds"], loop["enqueue_after"] or [], simulation.requeues)
    return tally


def _compare_lists(
    tally: ReplayTally, word: str, columns: list[str], expected: list[list[Any]], got: list[dict[str, Any]]
) -> None:
    for number in range(max(len(expected), len(got))):
        recorded = dict(zip(columns, expected[number], strict=True)) if number < len(expected) else {}
        ours = got[number] if number < len(got) else {}
        place = f"{word} {number + 1} at {(recorded or ours)['t']}"
        tally.compare(place, recorded or dict.fromkeys(columns), ours)


class _Simulation:
    """A revision, its pods and their load."""

    def __init__(self, loop: Mapping[str, Any]) -> None:
        self._config = config_from(loop["configmap"])
        self._annotations = annotations_from(loop["annotations"])
        self._container_concurrency = loop["container_concurrency"]
        # The progress deadline is no autoscaling annotation, so only its effect is recorded.
        self._activation_timeout_seconds = loop["resolved"]["activation_timeout_s"]
        self.parameters = self._resolve(loop["reachability"])
        self._first = self.parameters
        self._reachability = [tuple(change) for change in loop.get("reachability_changes") or ()]
        self._start = loop["t0_unix"]
        self._pod_start_seconds = loop["pod_start_s"]
        self._never_ready = loop["never_ready"]
        # Only requests in flight wake an idle revision. A recording by requests per second says whether it had them by
        # whether there were ticks beyond those on even seconds.
        scheduled = sum(row[loop["row_cols"].index("t")] % TICK_SECONDS == 0 for row in loop["rows"])
        self._wakes = len(loop["ticks"]) > scheduled
        # The deployment begins with the initial scale; each pod is the second in which it becomes ready.
        self._pods = [self._pod_start_seconds] * self.parameters.initial_scale
        self._kpa: Kpa | None = None
        self._reported_load = 0.0
        self._proxying_since: float | None = None
        self.ticks: list[dict[str, Any]] = []
        self.requeues: list[dict[str, Any]] = []

    def _resolve(self, reachability: str) -> Parameters:
        parameters = resolve(self._config, self._annotations, self._container_concurrency, reachability)
        return replace(parameters, activation_timeout_seconds=self._activation_timeout_seconds)

    def resolved(self) -> dict[str, Any]:
        """The parameters the recording shows: those of the start, with the bounds as read at the end."""
        end = self.parameters
        return resolved_from(replace(self._first, min_scale=end.min_scale, max_scale=end.max_scale))

    def advance(self, t: int, load: float) -> dict[str, Any]:
        """Play second `t` with `load` in flight or per second; the row the recording would have."""
        now = self._start + t
        if self._kpa is None:
            self._kpa = Kpa(self.parameters, now=now, ready=0)
        kpa = self._kpa
        while self._reachability and self._reachability[0][0] <= t:
            self.parameters = self._resolve(self._reachability.pop(0)[1])
            kpa.update(self.parameters, now)
        ready = 0 if self._never_ready else sum(ready_at <= t for ready_at in self._pods)
        self._report(kpa, t, load, ready)
        if t % TICK_SECONDS == 0:
            self._tick(kpa, t, ready)
        outcome = kpa.reconcile(now, ready=ready, replicas=len(self._pods), proxying_since=self._proxying_since)
        self._follow(outcome, t, ready)
        return {
            "t": t,
            "load": load,
            "ready": ready,
            "replicas": len(self._pods),
            "sks_mode": flag(outcome.mode is Mode.PROXY),
            "active": _ACTIVE[outcome.activation.status],
            "initialized": flag(outcome.initialized),
            "decider_desired": kpa.desired,
            "ebc": kpa.excess_burst_capacity,
            "want": outcome.want,
            "num_activators": outcome.activators,
        }

    def _report(self, kpa: Kpa, t: int, load: float, ready: int) -> None:
        """The activator reports what passes through it, and a zero once after that; ready pods report all load."""
        proxied = kpa.mode is Mode.PROXY or ready == 0
        if proxied and (load > 0 or self._reported_load > 0):
            if kpa.record(self._start + t, self._stat(kpa, load), from_activator=True):
                self._tick(kpa, t, ready)
            self._reported_load = load
        if kpa.parameters.scrape and ready > 0:
            stat = self._stat(kpa, load, load if proxied else 0.0)
            kpa.record(self._start + t, stat, from_activator=False)

    def _stat(self, kpa: Kpa, load: float, proxied: float = 0.0) -> Stat:
        if kpa.parameters.metric == RPS:
            return Stat(load, proxied, load, proxied) if self._wakes else Stat(0.0, 0.0, load, proxied)
        return Stat(load, proxied)

    def _tick(self, kpa: Kpa, t: int, ready: int) -> None:
        observed, decision = decide(kpa, self._start + t, ready)
        self.ticks.append(tick_fields(t, ready, observed, decision, kpa.parameters))

    def _follow(self, outcome: Reconciliation, t: int, ready: int) -> None:
        """The service's backing and the deployment after the reconciliation; the youngest pods go first."""
        if outcome.requeue_seconds is not None:
            self.requeues.append({"t": t, "seconds": outcome.requeue_seconds})
        if outcome.mode is not Mode.PROXY and ready > 0:
            self._proxying_since = None
        elif self._proxying_since is None:
            self._proxying_since = self._start + t
        if outcome.replicas is not None:
            added = outcome.replicas - len(self._pods)
            self._pods = self._pods[: outcome.replicas] + [t + self._pod_start_seconds] * max(0, added)
