"""Waiting: early enough, and no more awake than is paid for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.load.wakeup_policy import (
    LEAST_LEAD_SECONDS,
    OWN_LEAD_SECONDS,
    OWN_RATIO,
    REHEARSAL_SECONDS,
    SHARED_LEAD_SECONDS,
    SHARED_RATIO,
    WakeupPolicy,
)


def wait(
    policy: WakeupPolicy, now: float, due: float, wake_seconds: float, look_seconds: float = 2e-6
) -> tuple[float, float]:
    """Wait for one moment as an engine does; (when it was noticed, seconds awake) on a machine that wakes this late."""
    awake = 0.0
    rise = policy.spin_from(due, now)
    while now < due:
        if now >= rise and policy.affordable:
            now += look_seconds
            awake += look_seconds
            policy.spun(look_seconds)
        else:
            alarm = rise if now < rise else due
            policy.slept(now, alarm + wake_seconds, alarm)
            now = alarm + wake_seconds
    return now, awake


@pytest.mark.parametrize("wake_seconds", [5e-6, 60e-6, 150e-6])
@pytest.mark.parametrize(("own_core", "most"), [(True, OWN_LEAD_SECONDS), (False, SHARED_LEAD_SECONDS)])
def test_sparse_arrivals_are_met_on_time_as_far_as_rising_earlier_helps(
    wake_seconds: float, own_core: bool, most: float
) -> None:
    policy = WakeupPolicy(own_core=own_core)
    now, lags = 0.0, []
    for number in range(1, 50):
        now, _ = wait(policy, now, number * 0.02, wake_seconds)
        lags.append(now - number * 0.02)
    assert max(lags[2:]) < max(0.0, wake_seconds - most) + 5e-6


@given(gap=st.floats(20e-6, 0.1), wake_seconds=st.floats(1e-6, 1e-3), own_core=st.booleans())
def test_the_time_awake_never_exceeds_its_share(gap: float, wake_seconds: float, own_core: bool) -> None:
    policy = WakeupPolicy(own_core=own_core)
    now = spent = due = 0.0
    for _ in range(200):
        due = max(now, due + gap)
        now, awake = wait(policy, now, due, wake_seconds)
        spent += awake
    ratio = OWN_RATIO if own_core else SHARED_RATIO
    assert spent <= ratio * (now - spent) + 1e-5
    assert policy.take_spun_seconds() == pytest.approx(spent)
    assert policy.take_spun_seconds() == 0.0


def test_dense_arrivals_on_a_core_of_its_own_are_mostly_awaited_awake() -> None:
    policy = WakeupPolicy(own_core=True)
    now = spent = 0.0
    for number in range(1, 1000):
        now, awake = wait(policy, now, max(now, number * 50e-6), 20e-6)
        spent += awake
    assert spent / now > 0.5


def test_after_a_pause_there_is_time_to_rehearse() -> None:
    for gap, own_core, rehearsal in ((0.02, True, REHEARSAL_SECONDS), (0.001, True, 0.0), (0.02, False, 0.0)):
        policy = WakeupPolicy(own_core=own_core)
        policy.slept(-1.0, 0.0, 1.0)
        assert policy.spin_from(gap, 0.0) == pytest.approx(gap - policy.lead_seconds - rehearsal)


def test_one_hiccup_is_forgotten() -> None:
    policy = WakeupPolicy(own_core=True)
    policy.slept(0.0, 1.05, 1.0)
    assert policy.lead_seconds == OWN_LEAD_SECONDS
    for number in range(300):
        policy.slept(number, number + 1.0, number + 1.0)
    assert policy.lead_seconds < 1.1 * LEAST_LEAD_SECONDS


def test_an_interrupted_look_is_not_counted_as_time_awake() -> None:
    policy = WakeupPolicy()
    policy.spun(0.5)
    assert policy.take_spun_seconds() < 1e-4


def test_only_a_core_of_its_own_is_kept_awake_for_answers() -> None:
    shared, own = WakeupPolicy(), WakeupPolicy(own_core=True)
    for policy in (shared, own):
        policy.slept(0.0, 1.0001, 1.0)
    assert (shared.spin_after_seconds, own.spin_after_seconds) == (0.0, own.lead_seconds)
