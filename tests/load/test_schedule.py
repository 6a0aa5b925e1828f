"""Schedules: exact, sorted, seeded, and the same when dealt out to shards."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.load.schedule import offsets, peak_rate, phase_ends, stream, tick_seconds, validate

rates = st.floats(0.1, 500.0)
lengths = st.floats(0.1, 5.0)
open_phases = st.one_of(
    st.builds(Phase, st.just(LoadShape.CONSTANT), lengths, rate=rates),
    st.builds(Phase, st.just(LoadShape.POISSON), lengths, rate=rates),
    st.builds(Phase, st.just(LoadShape.RAMP), lengths, rate=rates, rate_end=rates),
    st.builds(Phase, st.just(LoadShape.BURST), lengths, count=st.integers(1, 50)),
    st.builds(Phase, st.just(LoadShape.IDLE), lengths),
)
any_phases = st.one_of(
    open_phases,
    st.builds(Phase, st.just(LoadShape.CLOSED), lengths, workers=st.integers(1, 20)),
    st.builds(
        Phase, st.just(LoadShape.SALVO), lengths, workers=st.integers(1, 5), rate_per_worker=st.floats(0.5, 50.0)
    ),
)
plans = st.builds(LoadPlan, st.lists(any_phases, min_size=1, max_size=4).map(tuple), seed=st.integers(0, 100))


@given(plans)
def test_a_stream_is_sorted_and_stays_inside_its_phases(plan: LoadPlan) -> None:
    arrivals = list(stream(plan))
    assert arrivals == sorted(arrivals, key=lambda arrival: arrival.due)
    ends = phase_ends(plan)
    for due, phase, _ in arrivals:
        assert ends[phase] - plan.phases[phase].seconds - 1e-9 <= due <= ends[phase] + 1e-9


@given(plans, st.integers(2, 7))
def test_shards_together_are_the_plan(plan: LoadPlan, shards: int) -> None:
    dealt = [arrival for shard in range(shards) for arrival in stream(plan, shard, shards)]
    assert sorted(dealt) == sorted(stream(plan))


@given(plans)
def test_the_same_seed_gives_the_same_arrivals(plan: LoadPlan) -> None:
    assert list(stream(plan)) == list(stream(LoadPlan.from_body(plan.body())))


def test_a_constant_rate_is_evenly_spaced_from_the_start() -> None:
    assert list(offsets(Phase(LoadShape.CONSTANT, 1.0, rate=4), "")) == [0.0, 0.25, 0.5, 0.75]


def test_a_rate_that_does_not_divide_the_length_fills_it() -> None:
    assert len(list(offsets(Phase(LoadShape.CONSTANT, 10.0, rate=0.3), ""))) == 3
    assert len(list(offsets(Phase(LoadShape.CONSTANT, 30.0, rate=50), ""))) == 1500


@given(rates, rates, lengths)
def test_a_ramp_follows_the_integral_of_its_rate(start: float, end: float, seconds: float) -> None:
    phase = Phase(LoadShape.RAMP, seconds, rate=start, rate_end=end)
    for number, at in enumerate(offsets(phase, "")):
        integral = start * at + (end - start) / (2 * seconds) * at * at
        assert integral == pytest.approx(number, abs=1e-5 * max(1, number))


def test_a_ramp_from_or_to_nothing_works() -> None:
    up = list(offsets(Phase(LoadShape.RAMP, 10.0, rate=0, rate_end=10), ""))
    down = list(offsets(Phase(LoadShape.RAMP, 10.0, rate=10, rate_end=0), ""))
    assert len(up) == len(down) == 50
    assert up[0] == 0.0
    assert up[1] == pytest.approx(math.sqrt(2))
    assert max(down) <= 10.0


def test_poisson_gaps_have_the_mean_and_spread_of_their_rate() -> None:
    at = list(offsets(Phase(LoadShape.POISSON, 100.0, rate=100), "7/0"))
    gaps = [after - before for before, after in itertools.pairwise(at)]
    assert len(at) == pytest.approx(10_000, rel=0.04)
    assert statistics.stdev(gaps) == pytest.approx(0.01, rel=0.05)


def test_two_poisson_phases_of_one_plan_differ() -> None:
    phase = Phase(LoadShape.POISSON, 1.0, rate=50)
    arrivals = list(stream(LoadPlan((phase, phase))))
    first = [due for due, number, _ in arrivals if number == 0]
    second = [due - 1.0 for due, number, _ in arrivals if number == 1]
    assert first != pytest.approx(second[: len(first)])


def test_salvo_ticks_are_whole_microseconds_and_start_after_one() -> None:
    assert tick_seconds(3) == 0.333333
    assert tick_seconds(50) == 0.02
    plan = LoadPlan((Phase(LoadShape.SALVO, 1.0, workers=2, rate_per_worker=3),))
    assert [(round(due, 6), worker) for due, _, worker in stream(plan)] == [
        (0.333333, 0), (0.333333, 1), (0.666666, 0), (0.666666, 1), (0.999999, 0), (0.999999, 1),
    ]  # fmt: skip


def test_hey_at_50_per_worker_for_30_s_has_1500_ticks_a_worker() -> None:
    plan = LoadPlan((Phase(LoadShape.SALVO, 30.0, workers=1, rate_per_worker=50),))
    assert sum(1 for _ in stream(plan)) == 1500


def test_the_peak_rate_of_hey_is_workers_times_q() -> None:
    assert peak_rate(LoadPlan((Phase(LoadShape.SALVO, 30.0, workers=50, rate_per_worker=50),))) == 2500
    assert peak_rate(LoadPlan((Phase(LoadShape.CLOSED, 30.0, workers=50),))) == 0


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase(LoadShape.CLOSED, 1.0), "workers is 0"),
        (Phase(LoadShape.CLOSED, 0.0, workers=5), "seconds is 0"),
        (Phase(LoadShape.CLOSED, 0.0, workers=5, count=3), "below its 5 workers"),
        (Phase(LoadShape.SALVO, 1.0, workers=5), "rate_per_worker is 0"),
        (Phase(LoadShape.CONSTANT, 1.0), "rate is 0"),
        (Phase(LoadShape.CONSTANT, -1.0, rate=1), "seconds is -1"),
        (Phase(LoadShape.CONSTANT, math.inf, rate=1), "seconds is inf"),
        (Phase(LoadShape.POISSON, 1.0, rate=math.nan), "rate is nan"),
        (Phase(LoadShape.RAMP, 1.0), "nor both 0"),
        (Phase(LoadShape.BURST, 1.0), "count is 0"),
    ],
)
def test_plans_that_cannot_be_offered_are_refused_with_the_value(phase: Phase, words: str) -> None:
    with pytest.raises(InvalidLoadError, match=words):
        validate(LoadPlan((phase,)))


def test_a_plan_that_would_send_nothing_at_all_is_refused() -> None:
    with pytest.raises(InvalidLoadError, match="max_in_flight is 0; it has to be 1 or more"):
        validate(LoadPlan((Phase(LoadShape.CONSTANT, 1.0, rate=1),), max_in_flight=0))


def test_a_counted_phase_without_a_length_has_to_be_the_last() -> None:
    counted = Phase(LoadShape.CLOSED, 0.0, workers=2, count=10)
    validate(LoadPlan((counted,)))
    with pytest.raises(InvalidLoadError, match="phase 1"):
        validate(LoadPlan((counted, counted)))
