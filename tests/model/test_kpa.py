"""The composition: record, tick, reconcile."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.activation import Activation, Mode, Status
from conformance.model.collector import Observation, Stat
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters

T = 1_700_000_000.0
P = Parameters(target_value=10.0, total_value=10.0, stable_window_seconds=6.0, panic_window_seconds=1.0)


def test_a_new_revision_has_no_decision_yet() -> None:
    kpa = Kpa(P, now=T + 0.5, ready=0)
    assert (kpa.desired, kpa.excess_burst_capacity) == (-1, -201)
    assert kpa.activation == Activation(Status.UNKNOWN, "", T)
    assert (kpa.initialized, kpa.mode, kpa.parameters) == (False, Mode.PROXY, P)
    assert kpa.observe(T) is None
    assert not kpa.decider.panicking


def test_a_tick_without_data_changes_nothing() -> None:
    kpa = Kpa(P, now=T, ready=0)
    decision, changed = kpa.tick(T + 2, 1)
    assert (decision.valid, changed, kpa.desired, kpa.excess_burst_capacity) == (False, False, -1, -201)


def test_only_a_changed_count_or_sign_calls_for_a_reconciliation() -> None:
    kpa = Kpa(replace(P, target_burst_capacity=5.0), now=T, ready=0)
    assert kpa.excess_burst_capacity == 5
    kpa.record(T + 1, Stat(1.0), from_activator=False)
    decision, changed = kpa.tick(T + 1, 1)
    assert (decision.desired, changed, kpa.desired, kpa.excess_burst_capacity) == (1, True, 1, 4)
    kpa.record(T + 3, Stat(3.0), from_activator=False)
    assert (kpa.tick(T + 3, 1)[1], kpa.excess_burst_capacity) == (False, 2)
    kpa.record(T + 4, Stat(6.0), from_activator=False)
    assert (kpa.tick(T + 4, 1)[1], kpa.desired, kpa.excess_burst_capacity) == (True, 1, -1)
    kpa.record(T + 5, Stat(5.0), from_activator=False)
    assert (kpa.tick(T + 5, 1)[1], kpa.excess_burst_capacity) == (True, 0)
    kpa.record(T + 6, Stat(4.0), from_activator=False)
    assert (kpa.tick(T + 6, 1)[1], kpa.excess_burst_capacity) == (False, 1)


def test_an_activators_report_wakes_only_an_idle_revision() -> None:
    kpa = Kpa(P, now=T, ready=0)
    assert not kpa.record(T + 1, Stat(1.0), from_activator=True)
    kpa.desired = 0
    assert kpa.record(T + 1, Stat(1.0), from_activator=True)
    assert not kpa.record(T + 1, Stat(0.0, 0.0, 5.0, 0.0), from_activator=True)
    assert not kpa.record(T + 1, Stat(1.0), from_activator=False)
    assert kpa.observe(T + 1) == Observation(3.0, 3.0)


def test_changed_parameters_reach_every_part() -> None:
    kpa = Kpa(P, now=T, ready=0)
    for second in range(1, 7):
        kpa.record(T + second, Stat(float(second)), from_activator=False)
    changed = replace(P, target_value=1.0, stable_window_seconds=8.0, panic_window_seconds=2.0)
    kpa.update(changed, T + 6)
    assert kpa.parameters is changed
    assert kpa.decider.parameters is changed
    kpa.record(T + 7, Stat(9.0), from_activator=False)
    # Seven seconds of load over seven seconds seen; the panic window spans the last of them and the one before.
    assert kpa.observe(T + 7) == Observation(round(30 / 7, 6), 7.5)


def test_a_revision_comes_up_serves_and_goes() -> None:
    kpa = Kpa(P, now=T, ready=0)
    queued = Activation(Status.UNKNOWN, "Queued", T + 1)
    assert kpa.reconcile(T + 1, ready=0, replicas=1, proxying_since=None) == Reconciliation(
        want=-1,
        replicas=None,
        mode=Mode.PROXY,
        activators=3,
        activation=queued,
        initialized=False,
        requeue_seconds=630.0,
        probe=False,
    )
    kpa.record(T + 2, Stat(35.0), from_activator=True)
    assert kpa.tick(T + 2, 0)[1]
    assert kpa.reconcile(T + 2, ready=0, replicas=1, proxying_since=T + 1) == Reconciliation(
        want=4,
        replicas=4,
        mode=Mode.PROXY,
        activators=3,
        activation=queued,
        initialized=False,
        requeue_seconds=None,
        probe=False,
    )
    active = Activation(Status.TRUE, "", T + 8)
    kpa.excess_burst_capacity = 0
    assert kpa.reconcile(T + 8, ready=20, replicas=4, proxying_since=T + 1) == Reconciliation(
        want=4,
        replicas=None,
        mode=Mode.SERVE,
        activators=5,
        activation=active,
        initialized=True,
        requeue_seconds=None,
        probe=False,
    )
    kpa.desired = 0
    outcome = kpa.reconcile(T + 10, ready=4, replicas=4, proxying_since=None)
    assert (outcome.want, outcome.replicas, outcome.mode, outcome.requeue_seconds) == (1, 1, Mode.SERVE, 4.0)
    inactive = Activation(Status.FALSE, "NoTraffic", T + 14)
    outcome = kpa.reconcile(T + 14, ready=1, replicas=1, proxying_since=None)
    assert (outcome.want, outcome.replicas, outcome.mode, outcome.activation) == (0, None, Mode.PROXY, inactive)
    assert outcome.requeue_seconds is None
    outcome = kpa.reconcile(T + 15, ready=1, replicas=1, proxying_since=T + 14, activator_answers=False)
    assert (outcome.want, outcome.replicas, outcome.probe) == (0, None, True)
    outcome = kpa.reconcile(T + 43, ready=1, replicas=1, proxying_since=T + 14)
    assert (outcome.want, outcome.replicas, outcome.requeue_seconds) == (0, None, 1.0)
    outcome = kpa.reconcile(T + 44, ready=1, replicas=1, proxying_since=T + 14)
    assert (outcome.want, outcome.replicas, outcome.activation) == (0, 0, inactive)


def test_marking_inactive_in_proxy_mode_asks_for_another_look() -> None:
    kpa = Kpa(P, now=T, ready=0, activation=Activation(Status.TRUE, "", T), initialized=True)
    kpa.desired = 0
    assert kpa.reconcile(T + 6, ready=1, replicas=1, proxying_since=T).requeue_seconds == 3.0
    kpa = Kpa(P, now=T, ready=0, activation=Activation(Status.TRUE, "", T), initialized=True)
    kpa.desired = 0
    kpa.mode = Mode.SERVE
    assert kpa.reconcile(T + 6, ready=1, replicas=1, proxying_since=T).requeue_seconds is None


def test_the_initial_scale_holds_until_all_its_pods_were_ready() -> None:
    kpa = Kpa(replace(P, initial_scale=3), now=T, ready=0)
    kpa.record(T + 1, Stat(0.0), from_activator=False)
    kpa.tick(T + 2, 1)
    outcome = kpa.reconcile(T + 2, ready=2, replicas=1, proxying_since=T)
    assert (outcome.want, outcome.replicas, outcome.initialized) == (3, 3, False)
    outcome = kpa.reconcile(T + 4, ready=3, replicas=3, proxying_since=T)
    assert (outcome.want, outcome.initialized, outcome.activation.status) == (3, True, Status.TRUE)
    assert kpa.reconcile(T + 6, ready=3, replicas=3, proxying_since=T).replicas == 1


def test_a_restart_continues_from_the_stored_condition() -> None:
    active = Activation(Status.TRUE, "", T - 100)
    kpa = Kpa(P, now=T, ready=4, activation=active, initialized=True)
    assert kpa.activation is active
    assert kpa.initialized
    assert kpa.decider.panicking
    assert kpa.reconcile(T, ready=4, replicas=4, proxying_since=T - 100) == Reconciliation(
        want=-1,
        replicas=None,
        mode=Mode.PROXY,
        activators=3,
        activation=active,
        initialized=True,
        requeue_seconds=None,
        probe=False,
    )
