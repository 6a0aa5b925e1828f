"""What is asked for is what the next revision has, and the time to the full count tells the panic window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue.check_parameters import Range, When
from conformance.catalogue.scenario import scenarios
from conformance.judge.history import History, read
from conformance.judge.import_applicability import unfit
from conformance.judge.judgement import Verdict
from conformance.recording.facts import Fact
from conformance.recording.pod_bodies import PodBody
from conformance.recording.reader import Recording
from conformance.recording.service_bodies import RevisionBody
from conformance.simulate.simulation import simulate_scenario
from tests.judge.shaping import look, mapped, with_body


def recorded(folder: Path, scenario: str, fault: str | None = None) -> History:
    run = simulate_scenario(scenarios()[scenario], folder, 1, fault)
    return read(Recording(folder / str(run.scenarios[0].recording)))


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> History:
    return recorded(tmp_path_factory.mktemp("honest"), "components-old")


def test_settings_by_annotation_reach_the_revisions_of_both_components(honest: History) -> None:
    found = look("settings-reach", honest)
    assert (found.verdict, found.measured.samples) == (Verdict.PASS, 2)


def test_two_components_are_no_change_of_revision(honest: History) -> None:
    assert unfit(honest, When(components=Range(2, 2), revisions=Range(1, 1))) == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"annotations": {"target": "9", "metric": "rps", "min-scale": "1"}}, "target is 9, asked for"),
        ({"annotations": {"target": "8", "metric": "rps", "min-scale": "1", "max-scale": "3"}}, "nobody asked for one"),
        ({"container_concurrency": 4}, "containerConcurrency is 4, asked for 0"),
        (
            {"containers": [{"name": "queue-proxy", "resources": {"limits": {"nvidia.com/gpu": "1"}}}, {"name": "x"}]},
            "nvidia.com/gpu of queue-proxy is 1, asked for None",
        ),
    ],
)
def test_a_setting_that_is_otherwise_is_named(honest: History, changes: dict[str, Any], text: str) -> None:
    def other(fact: Fact[Any]) -> Fact[Any]:
        transformer = isinstance(fact.body, RevisionBody) and fact.body.component == "transformer"
        return with_body(fact, **changes) if transformer else fact

    # The autoscaler's object says the same as its revision, and is not asked.
    kept = mapped(honest, lambda fact: None if fact.kind == "podautoscaler" else other(fact))
    found = look("settings-reach", kept)
    assert found.verdict is Verdict.FAIL
    assert any(text in fact for fact in found.facts), found.facts


@pytest.mark.parametrize("fault", ["minimum-change-ignored", "change-ignored"])
def test_a_change_that_is_ignored_is_found(tmp_path: Path, fault: str) -> None:
    found = look("settings-reach", recorded(tmp_path, "minimum-to-zero", fault))
    assert found.verdict is Verdict.FAIL
    assert "min-scale is 1, asked for 0" in found.facts[0]


def test_accelerators_belong_to_the_container_that_serves(tmp_path: Path) -> None:
    history = recorded(tmp_path, "gpu-old", "gpu-on-the-wrong-container")
    assert {fact.body.accelerated for fact in history.of(PodBody)} == {("queue-proxy",)}
    assert look("accelerator-limit", history).verdict is Verdict.FAIL


@pytest.mark.parametrize(("fault", "verdict"), [(None, Verdict.PASS), ("panic-window-times-1.5", Verdict.FAIL)])
def test_the_peak_of_a_short_surge_tells_the_panic_window(tmp_path: Path, fault: str | None, verdict: Verdict) -> None:
    found = look("peak", recorded(tmp_path, "panic-window-ten", fault))
    assert found.verdict is verdict, found


@pytest.mark.parametrize(("fault", "verdict"), [(None, Verdict.PASS), ("container-concurrency-minus-1", Verdict.FAIL)])
def test_a_container_that_is_offered_more_is_filled(tmp_path: Path, fault: str | None, verdict: Verdict) -> None:
    found = look("container-filled", recorded(tmp_path, "limit-direct", fault))
    assert found.verdict is verdict, found
    assert found.exercised.endswith("requests came when all containers were full")


@pytest.mark.parametrize(("fault", "verdict"), [(None, Verdict.PASS), ("initial-scale-ignored", Verdict.FAIL)])
def test_a_service_starts_with_its_initial_scale(tmp_path: Path, fault: str | None, verdict: Verdict) -> None:
    found = look("starts-with", recorded(tmp_path, "typed-fields", fault))
    assert found.verdict is verdict, found
    assert found.measured.value == (1.0 if fault else 2.0)


@pytest.mark.parametrize(("fault", "verdict"), [(None, Verdict.PASS), ("requests-held-back", Verdict.FAIL)])
def test_nobody_is_held_back_while_later_ones_are_answered(tmp_path: Path, fault: str | None, verdict: Verdict) -> None:
    found = look("not-held-back", recorded(tmp_path, "limit-none", fault))
    assert found.verdict is verdict, found


def test_a_new_service_stays_up_for_a_stable_window_without_a_request(tmp_path: Path) -> None:
    found = look("zero-not-before", recorded(tmp_path, "one-from-zero", "wait-of-an-active-revision/dropped"))
    assert found.verdict is Verdict.FAIL
    assert found.measured.value < 10.0
