"""Autoscalers that decide wrongly leave the band, and the judge names how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.judge.arrivals import Rows
from conformance.judge.band import SPECIFIED, band_under
from conformance.judge.diagnosis import consistent
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, build
from conformance.judge.judgement import Verdict
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact, FactKind
from conformance.recording.pod_bodies import PodBody
from conformance.recording.service_bodies import PodAutoscalerBody
from conformance.simulate.study import trial
from conformance.simulate.study.simulated_traffic import Pace, Stretch
from conformance.simulate.study.study_plans import hypothesis_called
from tests.judge.shaping import look, mapped, with_body, with_rows

Real = Callable[[str], History]

FIVE = ((30.0, 5),)
FOUR = ((140.0, 4),)


PACE = Pace(0.1, 0.002)


def simulated(
    fault: str,
    plan: tuple[tuple[float, int], ...],
    seed: int = 3,
    pace: Pace = PACE,
    settle_seconds: float = 20.0,
    /,
    **annotations: str,
) -> History:
    """A simulated run of a broken platform, or with no fault of an honest one, under a closed loop."""
    rng = np.random.default_rng(seed)
    asked = {"target": "1", "min-scale": "1", "metric": "concurrency", **annotations}
    what = trial.Setting(asked, trial.stretches_of(plan), pace, settle_seconds, 120.0)
    return trial.run(what, trial.chances(rng, 6.0), rng, hypothesis_called(fault) if fault else SPECIFIED)


@pytest.mark.parametrize(
    ("fault", "plan"),
    [
        ("target-doubled", FIVE),
        ("utilization-100", FIVE),
        ("stable-window-times-5", FIVE),
        ("panic-window-is-stable-window", FIVE),
        ("panic-threshold-times-10", FIVE),
        ("panic-never-entered", FIVE),
        ("panic-never-left", FIVE),
        ("scale-down-inside-panic", FIVE),
        ("ceil-to-floor", FOUR),
        ("overshoot-times-2", FIVE),
        ("target-times-1.25", FOUR),
        ("target-times-0.75", FOUR),
        ("max-scale-silently-3", FIVE),
    ],
)
def test_a_wrong_autoscaler_leaves_the_band(fault: str, plan: tuple[tuple[float, int], ...]) -> None:
    assert look("band", simulated(fault, plan)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "fault", ["utilization-100", "overshoot-times-2", "max-scale-silently-3", "panic-never-entered", "ceil-to-floor"]
)
def test_a_run_is_consistent_with_its_fault_by_all_scenarios_together(fault: str) -> None:
    both = [simulated(fault, FIVE), simulated(fault, FOUR)]
    found = consistent(both, both)
    assert found is not None
    assert fault in found.faults
    assert found.misfit < found.specified


def test_faults_that_cannot_be_told_apart_are_named_together() -> None:
    """No load of a service scaled by requests in flight tells which of its settings was lost."""
    one = [simulated("scale-fields-lost", FIVE)]
    found = consistent(one, one)
    assert found is not None
    assert {"scale-fields-lost", "old-schema-target-ignored"} <= set(found.faults)


def test_an_honest_platform_is_consistent_with_no_fault(real: Real) -> None:
    assert consistent([real("s6")], [real("s6")]) is None


def test_a_scale_down_in_panic_is_seen() -> None:
    assert look("panic-holds", simulated("scale-down-inside-panic", FIVE)).verdict is Verdict.FAIL


def test_a_panic_that_is_never_entered_is_seen() -> None:
    assert look("panic-entered", simulated("panic-never-entered", FIVE)).verdict is Verdict.FAIL


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (12, 14, 21))])
def test_a_long_way_to_the_pods_still_tells_panic_from_none(seed: int) -> None:
    for fault, verdict in (("", Verdict.PASS), ("panic-never-entered", Verdict.FAIL)):
        assert look("panic-entered", simulated(fault, FIVE, seed, Pace(0.1, 0.02), 10.0)).verdict is verdict


def test_a_panic_that_is_never_left_is_seen() -> None:
    assert look("panic-left", simulated("panic-never-left", FIVE)).verdict is Verdict.FAIL


def test_a_maximum_that_is_ignored_is_seen() -> None:
    history = simulated("max-scale-ignored", FIVE, **{"max-scale": "3"})
    assert look("maximum", history).verdict is Verdict.FAIL


def test_flapping_is_seen() -> None:
    assert look("no-flapping", simulated("flapping", FOUR)).verdict is Verdict.FAIL


def test_going_to_and_fro_at_the_border_of_two_counts_is_no_flapping() -> None:
    with pytest.raises(NotShownError, match="allows both"):
        look("no-flapping", simulated("", FOUR, 8, Pace(0.1, 0.025)))
    assert look("no-flapping", simulated("flapping", FOUR, 8, Pace(0.1, 0.025))).verdict is Verdict.FAIL


def _as_asked_by(history: History, fault: str) -> History:
    """A real recording with counts as a broken autoscaler would have wanted them for the same load."""
    revision = next(iter(history.revisions.values()))
    wrong = band_under(history, revision, FAULT_HYPOTHESES[fault])
    middle = np.round((wrong.low + wrong.high) / 2.0)
    facts = [fact for fact in history.facts if fact.kind is not FactKind.POD_AUTOSCALER]
    body = PodAutoscalerBody(revision.name, revision=revision.name)
    origin = history.recording.header.origin_wall
    for t, value in zip(wrong.times[::4], middle[::4], strict=True):
        facts.append(Fact(float(t), origin + float(t), replace(body, desired=int(value))))
    return build(history.recording, tuple(sorted(facts, key=lambda fact: fact.t)), history.loads)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param(name, fault, marks=[] if x == y else [pytest.mark.thorough])
        for x, name in enumerate(("s1", "s6", "a3down", "s3"))
        for y, fault in enumerate(("target-doubled", "panic-never-entered", "panic-never-left", "overshoot-times-2"))
    ],
)
def test_a_real_load_with_wrong_counts_fails(real: Real, name: str, fault: str) -> None:
    assert look("band", _as_asked_by(real(name), fault)).verdict is Verdict.FAIL


def test_one_request_too_many_in_a_container_fails(real: Real) -> None:
    def one_more(rows: Rows) -> Rows:
        rows["in_flight"][7] = 11
        return rows

    assert look("container-limit", with_rows(real("s4"), one_more)).verdict is Verdict.FAIL


def test_a_request_that_the_model_sees_twice_fails(real: Real) -> None:
    def doubled(rows: Rows) -> Rows:
        rows["in_flight"] *= 2
        return rows

    assert look("not-duplicated", with_rows(real("s6"), doubled)).verdict is Verdict.FAIL


def test_one_lost_answer_fails(real: Real) -> None:
    def lost(rows: Rows) -> Rows:
        rows["status"][3] = 503
        return rows

    assert look("answered", with_rows(real("s6"), lost)).verdict is Verdict.FAIL


def test_a_cold_request_answered_503_fails(real: Real) -> None:
    def refused(rows: Rows) -> Rows:
        rows["status"] = 503
        return rows

    assert look("held-at-zero", with_rows(real("s5one"), refused)).verdict is Verdict.FAIL


def test_a_pod_missing_below_the_minimum_fails(real: Real) -> None:
    history = real("s6")
    first = next(iter(history.pods))

    def early(fact: Fact[Any]) -> Fact[Any]:
        gone = isinstance(fact.body, PodBody) and fact.body.name == first and fact.t > history.ready_at + 2
        return with_body(fact, deleting=True) if gone else fact

    last = next(fact for fact in history.of(PodBody) if fact.body.name == first)
    shifted = mapped(history, early)
    facts = [*shifted.facts, Fact(history.ready_at + 3, 0.0, replace(last.body, change=ChangeType.DELETED))]
    broken = build(history.recording, tuple(sorted(facts, key=lambda fact: fact.t)), history.loads)
    assert look("minimum", broken).verdict is Verdict.FAIL


def test_more_load_never_lowers_the_band() -> None:
    rng = np.random.default_rng(5)
    what = trial.Setting({"target": "2", "min-scale": "1"}, (Stretch(40.0, workers=3),), Pace(0.1, 0.001), 10.0, 60.0)
    few = trial.run(what, trial.chances(rng, 3.0), rng)
    from conformance.judge.band import band

    revision = next(iter(few.revisions.values()))
    limits = band(few, revision)
    double = few.loads[0]
    import dataclasses

    twice = dataclasses.replace(double, rows=np.concatenate((double.rows, double.rows)))
    more = build(few.recording, few.facts, (twice,))
    higher = band(more, next(iter(more.revisions.values())))
    assert (higher.low >= limits.low - 1e-9).all()
    assert (higher.high >= limits.high - 1e-9).all()
