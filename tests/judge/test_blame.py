"""A broken platform is blamed for what it does wrong, and for that alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from conformance.catalogue.check_parameters import Range, When
from conformance.judge.finding import NotShownError
from conformance.judge.history import History
from conformance.judge.import_applicability import TRAITS, unfit
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.simulate.study import trial
from conformance.simulate.study.simulated_traffic import Pace
from conformance.simulate.study.study_plans import hypothesis_called
from tests.judge.shaping import look
from tests.recording.laboratory.raw import Loop, Pod, Raw

FIVE = ((30.0, 5),)
FOUR = ((140.0, 4),)


def simulated(fault: str, plan: tuple[tuple[float, int], ...] = FIVE, **annotations: str) -> History:
    rng = np.random.default_rng(5)
    asked = {"target": "1", "min-scale": "1", "metric": "concurrency", **annotations}
    what = trial.Setting(asked, trial.stretches_of(plan), Pace(0.1, 0.002), 20.0, 120.0)
    return trial.run(what, trial.chances(rng, 6.0), rng, hypothesis_called(fault))


def verdict(requirement: str, history: History) -> Verdict:
    wanted = next(entry for entry in catalogue() if entry.id == requirement)
    return judge_history(history, wanted, Context()).verdict


def test_a_panic_that_does_not_hold_was_entered() -> None:
    history = simulated("scale-down-inside-panic")
    assert look("panic-entered", history).verdict is Verdict.PASS
    assert look("panic-holds", history).verdict is Verdict.FAIL


def test_a_panic_that_was_never_entered_cannot_hold() -> None:
    with pytest.raises(NotShownError, match="no panic was entered"):
        look("panic-holds", simulated("panic-never-entered"))


def test_too_many_pods_from_the_beginning_do_not_show_a_late_end_of_panic() -> None:
    with pytest.raises(NotShownError):
        look("panic-left", simulated("overshoot-times-2"))


def test_a_panic_held_too_long_is_seen_still() -> None:
    assert look("panic-left", simulated("panic-never-left")).verdict is Verdict.FAIL


def test_rounding_down_is_blamed_on_rounding() -> None:
    assert verdict("CON-003", simulated("ceil-to-floor", FOUR)) is Verdict.FAIL


@pytest.mark.parametrize("fault", ["target-doubled", "panic-never-entered", "overshoot-times-2"])
def test_a_wrong_count_fails_whatever_it_comes_from(fault: str) -> None:
    history = simulated(fault, FOUR)
    assert verdict("CON-001", history) is Verdict.FAIL
    assert verdict("CON-003", history) is Verdict.FAIL


def test_one_pod_too_many_fails() -> None:
    assert verdict("CON-003", simulated("target-times-0.75", FOUR)) is Verdict.FAIL


def test_panic_never_entered_is_blamed_on_panic() -> None:
    assert verdict("PAN-001", simulated("panic-never-entered")) is Verdict.FAIL


def test_a_steady_count_of_the_wrong_height_is_steady() -> None:
    history = simulated("target-times-1.25", ((220.0, 12),), target="2")
    assert look("band", history).verdict is Verdict.FAIL
    assert look("steady", history).verdict is Verdict.PASS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> History:
    """One pod, ten per pod, four callers: nothing panics, nothing is at a bound."""
    place: Path = tmp_path_factory.mktemp("made")
    raw = Raw({"target": "10", "min-scale": "1"}, [Pod(0.5, 3.0)], [(3.0, 1)], [Loop(80.0, 20.0, 4)], end=180.0)
    return raw.history(place)


@pytest.mark.parametrize(
    "when",
    [
        When(metric="concurrency"), When(calm=True), When(holds_after_panic=False), When(falling=False),
        When(salvo=False), When(beyond_maximum=False), When(target_given=True), When(inference_service=False),
        When(components=Range(1, 1)), When(start_seconds=Range(0, 9)), When(pods_at_load=Range(1, 1)),
        When(from_zero=False),
    ],
)  # fmt: skip
def test_a_recording_has_its_traits(made: History, when: When) -> None:
    assert unfit(made, when) == ""


def test_what_does_not_fit_is_told_with_what_is_there(made: History) -> None:
    told = "applies when components is [2, 9]; here it is 1"
    assert unfit(made, When(metric="concurrency", components=Range(2, 9))) == told


def test_traits_show_in_recordings_of_real_platforms(real: Callable[[str], History]) -> None:
    assert unfit(real("a3down"), When(falling=True, calm=False)) == ""
    assert unfit(real("s2"), When(salvo=True)) == ""
    assert unfit(real("s4"), When(beyond_maximum=True)) == ""
    assert unfit(real("a8twenty"), When(holds_after_panic=True)) == ""
    assert unfit(real("s7rampb"), When(calm=True)) == ""


def test_no_recording_is_judged_by_a_requirement_of_another_metric(made: History) -> None:
    rates = [entry for entry in catalogue() if entry.id.startswith("RPS-")]
    assert rates
    assert all(unfit(made, entry.parameters.when) for entry in rates)


def test_whatever_can_be_asked_of_a_recording_is_looked_for() -> None:
    assert set(TRAITS) == {each.name for each in fields(When)}
