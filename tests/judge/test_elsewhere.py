"""A requirement is held to every recording that it fits, not only to the one that was made for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge import elsewhere
from conformance.judge.checks import REGISTRY
from conformance.judge.history import read
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run
from conformance.judge.requirements import catalogue
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run
from conformance.simulate.simulation import simulate_scenario

OWN, OTHER = "scale-to-zero-old", "minimum-to-zero"


def run_of(folder: Path, faults: dict[str, str | None]) -> Path:
    """A run folder of several scenarios, each on a platform with a fault of its own or without."""
    runs = [simulate_scenario(scenarios()[name], folder, 1, fault) for name, fault in faults.items()]
    done = tuple(run.scenarios[0] for run in runs)
    replace(runs[0], scenarios=done, selected=tuple(faults)).write(folder)
    return folder


def judged(folder: Path) -> Judgement:
    """The requirement that is made for the one scenario and fits the other as well."""
    return next(entry for entry in judge_run(folder).judgements if entry.requirement == "ZER-014")


def test_a_failure_in_another_recording_counts_and_names_it(tmp_path: Path) -> None:
    found = judged(run_of(tmp_path, {OWN: None, OTHER: "zero-never"}))
    assert (found.verdict, found.scenario) == (Verdict.FAIL, OTHER)
    assert all(place.startswith(f"recording/{OTHER}/") for place in found.evidence)
    assert found.notes.endswith(f"in its own scenario {OWN}: PASS")


def test_what_other_recordings_pass_leaves_the_own_verdict(tmp_path: Path) -> None:
    found = judged(run_of(tmp_path, {OWN: None, OTHER: None}))
    assert (found.verdict, found.scenario) == (Verdict.PASS, OWN)


def test_a_requirement_whose_scenario_was_not_chosen_stays_skipped(tmp_path: Path) -> None:
    assert judged(run_of(tmp_path, {OTHER: "zero-never"})).verdict is Verdict.SKIPPED


@pytest.mark.parametrize("name", ["qps-refused", "life-cycle"])
def test_a_service_that_is_refused_or_stopped_is_no_ground_for_others(tmp_path: Path, name: str) -> None:
    folder = run_of(tmp_path, {name: None})
    history = read(Recording(folder / str(Run.read(folder).scenarios[0].recording)))
    minimum = next(entry for entry in catalogue() if entry.id == "BND-001")
    assert not list(elsewhere.fitting(minimum, REGISTRY.checks["minimum"], [history]))


def test_a_check_of_one_manifest_is_made_on_its_own_scenario_alone() -> None:
    assert REGISTRY.checks["annotation"].specific
    assert not REGISTRY.checks["band"].specific


@pytest.mark.parametrize("own", [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE])
def test_other_recordings_decide_nothing_but_a_failure_or_an_error(own: Verdict) -> None:
    home = Judgement("CON-001", own, "a")
    others = [Judgement("CON-001", each, "b") for each in (Verdict.PASS, Verdict.INCONCLUSIVE)]
    assert elsewhere.decided(home, others) is home
    bad = [Judgement("CON-001", each, "c") for each in (Verdict.FAIL, Verdict.ERROR)]
    assert elsewhere.decided(home, [*others, *bad]).verdict is Verdict.ERROR
    assert elsewhere.decided(home, [*others, bad[0]]).verdict is Verdict.FAIL
