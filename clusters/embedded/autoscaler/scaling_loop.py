"""One revision's autoscaler in the platform: the model, its two timers and what they read.

The decision is `conformance.model`'s alone. This part says when (scrape each second, tick every two, poke at once) and
from what, each with a phase of its own, as on a real cluster.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RevisionKey
from conformance.base.clock import Clock
from conformance.base.ticker import Ticker
from conformance.model.activation import Activation
from conformance.model.collector import Stat
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters
from conformance.model.sampling import PodsExhaustedError, scrape

TICK_SECONDS: Final = 2.0
SCRAPE_SECONDS: Final = 1.0
"""Knative pkg/autoscaler/scaling/multiscaler.go, metrics/collector.go; neither can be configured."""
SCRAPE_LAG_SECONDS: Final = 0.1
"""From a revision's decider to its metric: the way of one object through the API server."""


@dataclass(frozen=True, slots=True)
class ReadyPod:
    """A pod that can be scraped."""

    name: str
    started: float
    """Unix seconds."""


class Scaling:
    """The autoscaler of one revision. `run` its two loops until the revision is gone."""

    def __init__(
        self,
        key: RevisionKey,
        parameters: Parameters,
        clock: Clock,
        rng: random.Random,
        behaviour: Behaviour,
        read: Callable[[RevisionKey, str], PodStat | None],
        changed: Callable[[RevisionKey], None],
        *,
        ready: int = 0,
        activation: Activation | None = None,
        initialized: bool = False,
    ) -> None:
        """`read` scrapes a pod by name; `changed` asks for a reconciliation."""
        self.key = key
        self.pods: Sequence[ReadyPod] = ()
        self.panicking = False
        self._clock = clock = behaviour.autoscaler_clock(clock)
        self._rng = rng
        self._behaviour = behaviour
        self._read = read
        self._changed = changed
        self._memory: dict[str, float] = {}
        self.kpa = Kpa(
            parameters, now=clock.wall(), ready=ready, activation=activation, initialized=initialized,
            decides=behaviour.decider(),
        )  # fmt: skip

    def update(self, parameters: Parameters) -> None:
        """Take over changed parameters."""
        if parameters != self.kpa.parameters:
            self.kpa.update(parameters, self._clock.wall())

    def take(self, stat: ActivatorStat) -> None:
        """A report of an activator; an idle revision is decided at once."""
        found = self._behaviour.measured(Stat(stat.concurrency, 0.0, stat.request_count, 0.0))
        # The autoscaler stamps it on arrival, in whole seconds.
        if self.kpa.record(math.floor(self._clock.wall()), found, from_activator=True):
            self.tick()

    async def tick_forever(self) -> None:
        """Decide every two seconds from creation on."""
        ticker = Ticker(self._clock, self._clock.monotonic() + TICK_SECONDS, TICK_SECONDS)
        while True:
            await ticker.tick()
            self.tick()

    async def scrape_forever(self) -> None:
        """Scrape every second, a little behind the ticks: Knative makes the decider and then the metric in one
        reconciliation (kpa.go ReconcileKind), so a tick comes before its second's scrape, not between scrape and
        activator report. On real platforms no decision was seen that counted a second of zeros."""
        first = self._clock.monotonic() + 0.02 + self._rng.random() * SCRAPE_LAG_SECONDS
        ticker = Ticker(self._clock, first, SCRAPE_SECONDS)
        while True:
            await ticker.tick()
            if self.kpa.parameters.scrape:
                self._scrape()

    def _scrape(self) -> None:
        now = self._clock.wall()
        window = self.kpa.parameters.stable_window_seconds
        old = [pod for pod in self.pods if now - pod.started >= window]
        young = [pod for pod in self.pods if now - pod.started < window]
        try:
            found = scrape(old, young, self._ask, self._rng)
        except PodsExhaustedError:
            return
        if found is not None:
            self.kpa.record(now, self._behaviour.measured(found), from_activator=False)

    def _ask(self, pod: ReadyPod) -> Stat | None:
        said = self._read(self.key, pod.name)
        if said is None:
            return None
        return Stat(said.concurrency, said.proxied_concurrency, said.request_count, said.proxied_request_count)

    def tick(self) -> None:
        """Decide now."""
        now, kpa = self._clock.wall(), self.kpa
        self._behaviour.deciding(self.key, kpa, len(self.pods), now, self._memory)
        desired, excess = kpa.desired, kpa.excess_burst_capacity
        decision, _ = kpa.tick(now, len(self.pods))
        self.panicking = decision.panicking
        if not decision.valid:
            return
        kpa.desired = self._behaviour.desired(
            self.key, decision, kpa.observe(now), kpa.parameters, len(self.pods), now, self._memory
        )
        if kpa.desired != desired or (kpa.excess_burst_capacity < 0) != (excess < 0):
            self._changed(self.key)

    def reconcile(self, replicas: int, proxying_since: float | None) -> Reconciliation:
        """Bring the decision to the deployment."""
        now = self._clock.wall()
        found = self.kpa.reconcile(
            now,
            ready=len(self.pods),
            replicas=replicas,
            proxying_since=proxying_since,
            activator_answers=proxying_since is not None,
        )
        return self._behaviour.reconciled(self.key, found, self.kpa, replicas, now, self._memory)
