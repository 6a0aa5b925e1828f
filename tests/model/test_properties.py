"""What holds for every load and every setting."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.model.activation import Activation, Mode, Status
from conformance.model.collector import Observation, Stat
from conformance.model.decider import Decider
from conformance.model.kpa import Kpa
from conformance.model.literals import format_float, parse_float
from conformance.model.parameters import Parameters
from conformance.model.scaler import clamp
from conformance.model.window import Window

T = 1_000
TICK_SECONDS = 2
QUIET_SECONDS = 250

LOADS = st.floats(0.0, 1e6)
PODS = st.integers(0, 2_000)
PARAMETERS = st.builds(
    Parameters,
    target_value=st.floats(0.01, 1000.0),
    total_value=st.floats(0.01, 1000.0),
    target_burst_capacity=st.sampled_from([-1.0, 0.0, 0.5, 7.0, 211.0]),
    max_scale_up_rate=st.floats(1.01, 1000.0),
    max_scale_down_rate=st.floats(1.01, 20.0),
    panic_threshold=st.floats(1.1, 10.0),
    stable_window_seconds=st.integers(6, 120).map(float),
    panic_window_seconds=st.integers(1, 6).map(float),
    scale_down_delay_seconds=st.sampled_from([0.0, 2.0, 10.0, 60.0]),
    activation_scale=st.sampled_from([0, 2, 5]),
    reachable=st.booleans(),
)
BOUNDED = st.builds(
    lambda parameters, least, span, initial: replace(
        parameters, min_scale=least, max_scale=0 if span is None else max(1, least + span), initial_scale=initial
    ),
    PARAMETERS.filter(lambda parameters: parameters.reachable),
    st.integers(0, 20),
    st.none() | st.integers(0, 50),
    st.integers(1, 10),
)
TICKS = st.lists(st.tuples(PODS, LOADS, LOADS), min_size=1, max_size=40)


def deciders(parameters: Parameters, ready: int) -> Decider:
    return Decider(parameters, now=T, ready=ready)


@given(PARAMETERS, PODS, PODS, LOADS, LOADS, LOADS, LOADS)
def test_more_load_never_wants_fewer_pods(
    parameters: Parameters, initial: int, ready: int, stable: float, panic: float, more_stable: float, more_panic: float
) -> None:
    less = deciders(parameters, initial).decide(T + 2, ready, Observation(stable, panic))
    more = deciders(parameters, initial).decide(T + 2, ready, Observation(stable + more_stable, panic + more_panic))
    assert more.desired >= less.desired
    assert more.excess_burst_capacity <= less.excess_burst_capacity


@given(PARAMETERS, PODS, TICKS)
def test_one_decision_never_goes_below_the_down_rate_nor_above_the_up_rate(
    parameters: Parameters, initial: int, ticks: list[tuple[int, float, float]]
) -> None:
    decider = deciders(parameters, initial)
    held = initial
    for number, (ready, stable, panic) in enumerate(ticks, 1):
        decision = decider.decide(T + 2 * number, ready, Observation(stable, panic))
        pods = max(1, ready)
        least = math.floor(pods / parameters.max_scale_down_rate) if parameters.reachable else 0
        assert decision.desired >= least
        held = max(held, math.ceil(parameters.max_scale_up_rate * pods), parameters.activation_scale)
        assert decision.desired <= held


@given(PARAMETERS, PODS, TICKS)
def test_panic_never_scales_down(parameters: Parameters, initial: int, ticks: list[tuple[int, float, float]]) -> None:
    decider = deciders(parameters, initial)
    before = None
    for number, (ready, stable, panic) in enumerate(ticks, 1):
        decision = decider.decide(T + 2 * number, ready, Observation(stable, panic))
        if decision.panicking:
            if before is not None:
                assert decision.desired >= before
            assert decision.desired >= decision.max_panic_pods
            before = decision.max_panic_pods
        else:
            before = None


@given(BOUNDED, st.integers(-1, 5_000), st.booleans())
def test_bounds_hold_once_the_initial_scale_was_reached(
    parameters: Parameters, desired: int, initialized: bool
) -> None:
    pods = clamp(desired, parameters, initialized=initialized)
    assert pods >= parameters.min_scale
    if initialized and parameters.max_scale:
        assert pods <= parameters.max_scale
    if not initialized and parameters.initial_scale > 1:
        assert pods >= min(parameters.initial_scale, pods if parameters.max_scale else parameters.initial_scale)


@settings(max_examples=40)
@given(BOUNDED, st.lists(st.tuples(st.integers(1, 15), st.floats(0.0, 200.0)), min_size=1, max_size=8))
def test_replicas_stay_within_bounds_and_zero_comes_only_after_the_documented_wait(
    parameters: Parameters, phases: list[tuple[int, float]]
) -> None:
    kpa = Kpa(parameters, now=T, ready=0)
    replicas, t = parameters.initial_scale, 0
    proxying_since: float | None = None
    activated: float | None = None
    fell = 0
    loads = [load for seconds, load in phases for _ in range(seconds)] + [0.0] * QUIET_SECONDS
    for t, load in enumerate(loads, 1):
        now = T + t
        kpa.record(now, Stat(load), from_activator=True)
        if t % 2 == 0:
            kpa.tick(now, replicas)
        outcome = kpa.reconcile(now, ready=replicas, replicas=replicas, proxying_since=proxying_since)
        if outcome.mode is Mode.SERVE and replicas > 0:
            proxying_since = None
        elif proxying_since is None:
            proxying_since = now
        if outcome.activation.status is Status.TRUE and activated is None:
            activated = now
        if outcome.replicas is not None:
            if outcome.replicas == 0:
                assert parameters.min_scale == 0
                assert activated is not None
                assert now - activated >= parameters.stable_window_seconds
                assert proxying_since is not None
                inactive = now - kpa.activation.since
                assert inactive >= parameters.grace_seconds or now - proxying_since >= parameters.grace_seconds
            if outcome.replicas < replicas:
                fell = t
            replicas = outcome.replicas
        if replicas == 0:
            activated = None
        assert replicas >= parameters.min_scale
        if parameters.max_scale and kpa.initialized and t > 2:
            assert replicas <= max(parameters.max_scale, parameters.initial_scale)
    # Thousands of pods that leave one by one, or one a minute, take longer: then they are still on their way.
    patience = parameters.scale_down_delay_seconds + 2 * TICK_SECONDS
    if replicas <= max(1, parameters.activation_scale):
        patience += parameters.stable_window_seconds + parameters.grace_seconds
    assert replicas == parameters.min_scale or t - fell <= patience


@given(PARAMETERS, PODS, TICKS, st.data())
def test_invalid_statistics_change_nothing(
    parameters: Parameters, initial: int, ticks: list[tuple[int, float, float]], data: st.DataObject
) -> None:
    undisturbed, disturbed = deciders(parameters, initial), deciders(parameters, initial)
    for number, (ready, stable, panic) in enumerate(ticks, 1):
        observed = Observation(stable, panic)
        if data.draw(st.booleans()):
            invalid = data.draw(st.sampled_from([(None, observed), (ready, None), (None, None)]))
            assert not disturbed.decide(T + 2 * number - 1, *invalid).valid
        expected = undisturbed.decide(T + 2 * number, ready, observed)
        assert disturbed.decide(T + 2 * number, ready, observed) == expected


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 3), st.floats(0.0, 100.0)), min_size=1, max_size=60))
def test_a_linear_mean_is_the_sum_in_sight_over_the_seconds_in_sight(
    seconds: int, writes: list[tuple[int, float]]
) -> None:
    window = Window(seconds)
    buckets: dict[int, float] = {}
    first, now = T, T
    for step, value in writes:
        if step >= seconds or not buckets:
            first = now + step
        now += step
        window.record(now, value)
        if first == now:
            buckets = {second: old for second, old in buckets.items() if second >= first}
        buckets[now] = buckets.get(now, 0.0) + value
    seen = [value for second, value in buckets.items() if now - seconds < second <= now]
    assert abs(window.average(now) - sum(seen) / min(now - first + 1, seconds)) <= 1e-6
    assert not window.is_empty(now)


@given(
    st.integers(1, 90),
    st.lists(st.tuples(st.integers(-5, 5), st.floats(0.0, 100.0)), min_size=1, max_size=60),
    st.booleans(),
)
def test_a_mean_lies_within_what_was_written(seconds: int, writes: list[tuple[int, float]], weighted: bool) -> None:
    window = Window(seconds, weighted=weighted)
    now = T
    for step, value in writes:
        now += step
        window.record(now, value)
    assert -1e-6 <= window.average(now) <= sum(value for _, value in writes) + 1e-6


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_float_reads_back_as_itself(value: float) -> None:
    assert parse_float(format_float(value)) == value


@given(st.sampled_from(Status), st.floats(0, 1e6))
def test_the_age_of_a_condition_is_never_less_than_the_time_passed(status: Status, since: float) -> None:
    assert Activation(status, "", math.floor(since)).age(since) >= 0
