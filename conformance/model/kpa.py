"""One revision's autoscaler from report to replicas: what a platform drives and nothing else decides.

    record      a report of an activator or a scrape; says whether to decide at once
    tick        the decision, every two seconds and on a poke; says whether to reconcile
    reconcile   bounds, scale to zero, Active condition, mode and number of activators

Time is Unix seconds and must not go back. The object holds all state there is; a restarted autoscaler is a new one.
"""

from __future__ import annotations

from typing import NamedTuple

from conformance.model.activation import Activation, Mode, choose_mode, count_activators, created, judge
from conformance.model.collector import Collector, Observation, Stat
from conformance.model.decider import UNKNOWN_SCALE, Decider, Decision, first_excess_burst_capacity
from conformance.model.parameters import Parameters
from conformance.model.scaler import Path, scale


class Reconciliation(NamedTuple):
    """What to make true after a reconciliation."""

    want: int
    """Pods wanted, the status' desiredScale; -1 when not known."""
    replicas: int | None
    """New replicas of the deployment, None to leave it alone."""
    mode: Mode
    activators: int
    activation: Activation
    initialized: bool
    requeue_seconds: float | None
    """Reconcile again after this time at the latest."""
    probe: bool
    """Probe the activator through the public service and reconcile again when it answers."""


class Kpa:
    """The autoscaler of one revision."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        now: float,
        ready: int | None,
        activation: Activation | None = None,
        initialized: bool = False,
        decides: type[Decider] = Decider,
    ) -> None:
        """Start at `now` with `ready` pods, None when they cannot be counted.

        After a restart `activation` and `initialized` come from the revision's PodAutoscaler; they outlive this object.
        """
        self.collector = Collector(parameters)
        self.decider = decides(parameters, now=now, ready=ready)
        self.desired = UNKNOWN_SCALE
        self.excess_burst_capacity = first_excess_burst_capacity(parameters)
        self.activation = created(now) if activation is None else activation
        self.initialized = initialized
        self.mode = Mode.PROXY
        self._parameters = parameters

    @property
    def parameters(self) -> Parameters:
        """What the revision is scaled by."""
        return self._parameters

    def update(self, parameters: Parameters, now: float) -> None:
        """Take over changed parameters. The scale-down delay and the kind of average stay as they were."""
        self._parameters = parameters
        self.decider.parameters = parameters
        self.collector.resize(parameters, now)

    def record(self, at: float, stat: Stat, *, from_activator: bool) -> bool:
        """Take in a report stamped `at`; True means that an idle revision has load and should be ticked at once."""
        self.collector.record(at, stat)
        return from_activator and self.desired == 0 and stat.concurrency != 0

    def observe(self, now: float) -> Observation | None:
        """The means the next decision would see; None for "no data"."""
        return self.collector.observe(self._parameters, now)

    def tick(self, now: float, ready: int | None) -> tuple[Decision, bool]:
        """(decision, whether anything changed that calls for a reconciliation).

        `ready` is None when the pods could not be counted. An invalid decision leaves everything as it was; a change of
        the burst capacity counts only if its sign does.
        """
        decision = self.decider.decide(now, ready, self.observe(now))
        if not decision.valid:
            return decision, False
        changed = decision.desired != self.desired or (decision.excess_burst_capacity < 0) != (
            self.excess_burst_capacity < 0
        )
        self.desired = decision.desired
        self.excess_burst_capacity = decision.excess_burst_capacity
        return decision, changed

    def reconcile(
        self,
        now: float,
        *,
        ready: int,
        replicas: int,
        proxying_since: float | None,
        activator_answers: bool = True,
    ) -> Reconciliation:
        """Bring the latest decision to the deployment.

        `replicas` is what the deployment has now, `proxying_since` since when the activator backs the public service
        (whole Unix seconds, None while pods do) and `activator_answers` whether a probe through it reaches the
        activator.
        """
        path = Path(self.mode, proxying_since, activator_answers)
        scaled = scale(self.desired, self._parameters, self.activation, path, initialized=self.initialized, now=now)
        self.mode = choose_mode(scaled.want, self.excess_burst_capacity)
        self.activation, self.initialized = judge(
            self.activation,
            self._parameters,
            initialized=self.initialized,
            want=scaled.want,
            ready=ready,
            now=now,
        )
        return Reconciliation(
            want=scaled.want,
            replicas=scaled.want if scaled.apply and scaled.want != replicas else None,
            mode=self.mode,
            activators=count_activators(self._parameters, ready),
            activation=self.activation,
            initialized=self.initialized,
            requeue_seconds=scaled.requeue_seconds,
            probe=scaled.probe,
        )
