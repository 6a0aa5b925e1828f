"""A requirement passes only where the recording would have failed the faults that it names."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.judge import power
from conformance.judge.checks import REGISTRY
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES
from conformance.judge.finding import NotShownError, PodCounts
from conformance.judge.history import History
from conformance.judge.judged_run import JudgedRun
from conformance.judge.judgement import POWER, Judgement, Verdict
from conformance.judge.judging import judge_history, judge_run
from conformance.judge.requirements import catalogue, fault_texts
from conformance.judge.run_facts import Context
from conformance.judge.step_function import StepFunction
from conformance.judge.suppositions import known, suppose
from conformance.simulate.study import trial
from conformance.simulate.study.simulated_traffic import Pace
from tests.judge.shaping import look

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"
FOUR = ((140.0, 4),)
ONE = ((140.0, 1),)
BY_ID = {entry.id: entry for entry in catalogue()}


def honest(service_seconds: float, way_seconds: float, plan: tuple[tuple[float, int], ...] = FOUR) -> History:
    """An honest platform under four callers, or as many as the plan says."""
    rng = np.random.default_rng(5)
    asked = {"target": "1", "min-scale": "1", "metric": "concurrency"}
    what = trial.Setting(asked, trial.stretches_of(plan), Pace(service_seconds, way_seconds), 20.0, 120.0)
    return trial.run(what, trial.chances(rng, 6.0), rng)


def rounding(history: History, *others: History) -> Judgement:
    return judge_history(history, BY_ID["CON-003"], Context(), others)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], JudgedRun]:
    """A run on a real cluster, judged."""

    def of(name: str) -> JudgedRun:
        folder = tmp_path_factory.mktemp(name)
        with tarfile.open(RECORDINGS / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        return judge_run(folder / name)

    return of


def test_a_short_way_beside_the_model_tells_rounding_down() -> None:
    found = rounding(honest(1.0, 0.005))
    assert found.verdict is Verdict.PASS
    assert found.confidence is not None
    assert found.confidence.excluded == ("ceil-to-floor",)


def test_a_long_way_beside_the_model_proves_nothing() -> None:
    found = rounding(honest(0.1, 0.04))
    assert found.verdict is Verdict.INCONCLUSIVE
    (reason,) = found.reasons
    assert reason.code == POWER
    assert str(reason.value).startswith("ceil-to-floor would pass too: ")
    assert "a model that takes longer" in reason.remedy


def test_too_little_idle_time_asks_for_more_of_it() -> None:
    rng = np.random.default_rng(5)
    asked = {"target": "1", "min-scale": "0", "metric": "concurrency"}
    what = trial.Setting(asked, trial.stretches_of(((30.0, 4),)), Pace(0.1, 0.002), 20.0, 72.0)
    found = judge_history(trial.run(what, trial.chances(rng, 6.0), rng), BY_ID["ZER-003"], Context())
    assert found.verdict is Verdict.INCONCLUSIVE
    (reason,) = found.reasons
    assert (reason.code, reason.remedy) == (POWER, "a longer time without requests")


def test_what_one_recording_leaves_open_another_may_exclude() -> None:
    found = rounding(honest(0.1, 0.04), honest(1.0, 0.005))
    assert found.verdict is Verdict.PASS
    assert found.confidence is not None
    assert found.confidence.excluded == ("ceil-to-floor",)


def test_a_failure_needs_no_power() -> None:
    rng = np.random.default_rng(5)
    asked = {"target": "2", "min-scale": "1", "metric": "concurrency"}
    what = trial.Setting(asked, trial.stretches_of(FOUR), Pace(1.0, 0.005), 20.0, 120.0)
    history = trial.run(what, trial.chances(rng, 6.0), rng)
    wrong = replace(history, revisions={})
    for revision in history.revisions.values():
        revision.annotations["target"] = "1"
        wrong.revisions[revision.name] = revision
    assert rounding(wrong).verdict is Verdict.FAIL


def test_every_fault_of_pod_counts_can_be_supposed() -> None:
    counting = [
        (entry.id, fault)
        for entry in catalogue()
        if entry.check and REGISTRY.checks[entry.check].counts is not PodCounts.NONE
        for fault in entry.faults
        if fault not in known()
    ]
    assert counting == []


def test_supposed_counts_are_judged_and_the_recorded_band_judges_them() -> None:
    history = honest(1.0, 0.005)
    requirement = BY_ID["CON-001"]
    check = REGISTRY.checks["band"]
    supposed = suppose(history, requirement.parameters, "target-doubled")
    assert len(supposed) == 8
    assert {check.look(each, requirement.parameters).verdict for each in supposed} == {Verdict.FAIL}
    assert check.look(history, requirement.parameters).verdict is Verdict.PASS


def test_rounding_down_passes_nowhere_on_a_real_cluster_whose_way_is_long(opened: Callable[[str], JudgedRun]) -> None:
    judged = opened("floor-100ms")
    named = [entry.id for entry in judged.requirements if "ceil-to-floor" in entry.faults]
    assert named
    for name in named:
        assert judged.by_id[name].verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE), name


def test_an_autoscaler_that_followed_a_backlog_is_not_accused(opened: Callable[[str], JudgedRun]) -> None:
    """The platform held requests back and let them go together: the rate that nobody sent was really there."""
    judged = opened("starved")
    failed = [entry.requirement for entry in judged.judgements if entry.verdict is Verdict.FAIL]
    counting = [
        name for name in failed if REGISTRY.checks[judged.requirement[name].check or ""].counts is not PodCounts.NONE
    ]
    assert counting == []
    assert judged.by_id["RPS-005"].verdict is Verdict.FAIL


def test_a_real_autoscaler_that_rounds_down_fails_where_the_model_takes_long(
    opened: Callable[[str], JudgedRun],
) -> None:
    judged = opened("kind-floor")
    assert judged.by_id["CON-003"].verdict is Verdict.FAIL
    named = [entry.id for entry in judged.requirements if "ceil-to-floor" in entry.faults]
    assert Verdict.PASS not in {judged.by_id[name].verdict for name in named}


def test_a_real_autoscaler_that_never_panics_fails_and_is_told_so(opened: Callable[[str], JudgedRun]) -> None:
    judged = opened("kind-panic-off")
    found = judged.by_id["PAN-001"]
    assert found.verdict is Verdict.FAIL
    assert found.consistent_with is not None
    assert "panic-never-entered" in found.consistent_with.faults


def test_no_limit_of_an_honest_real_platform_is_accused(opened: Callable[[str], JudgedRun]) -> None:
    judged = opened("kind-limits")
    limits = [entry.id for entry in judged.requirements if entry.area == "LIM" and judged.by_id[entry.id].scenario]
    assert sum(judged.by_id[name].verdict is Verdict.PASS for name in limits) >= 7
    assert Verdict.FAIL not in {entry.verdict for entry in judged.judgements}


def test_a_limit_that_nobody_pressed_against_is_not_shown(real: Callable[[str], History]) -> None:
    history = real("s4")
    assert look("container-limit", history).verdict is Verdict.PASS
    many = {name: replace(each, ready=StepFunction.of([(0.0, 100.0)])) for name, each in history.revisions.items()}
    with pytest.raises(NotShownError, match="never offered more than the containers take"):
        look("container-limit", replace(history, revisions=many))


def test_a_run_looks_only_like_faults_that_can_be_run() -> None:
    assert set(FAULT_HYPOTHESES) <= set(fault_texts())
    assert known() <= set(fault_texts())


def test_a_fault_of_some_services_is_not_excluded_by_another_service() -> None:
    """That other pods are more than three says nothing of pods with accelerators."""
    few, many = honest(1.0, 0.005, ONE), honest(1.0, 0.005)
    for fault, verdict in (("gpu-caps-scale", Verdict.INCONCLUSIVE), ("scale-never-up", Verdict.PASS)):
        requirement = replace(BY_ID["CON-003"], faults=(fault,))
        assert judge_history(few, requirement, Context(), [many]).verdict is verdict
        assert judge_history(many, requirement, Context(), [few]).verdict is Verdict.PASS


def test_a_fault_of_the_metric_says_nothing_where_requests_in_flight_are_counted() -> None:
    history = honest(1.0, 0.005)
    check = REGISTRY.checks["band"]
    found = power.probe(history, check, BY_ID["CON-003"].parameters, "metric-annotation-ignored")
    assert found is not None
    assert not found.excluded
