"""What a platform is measured by: the manifest, the cluster's configuration, and what the manifest leaves open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.judge import drift
from conformance.judge.expectations import parameters, requested_settings
from conformance.judge.history import History, build
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.recording.body import Body, ChangeType
from conformance.recording.facts import Fact
from conformance.recording.run_bodies import ConfigBody, EndBody, ManifestBody, ManifestStage, Outcome
from conformance.recording.service_bodies import RevisionBody
from conformance.recording.writer import Header

REVISION = "flowers-sample-predictor-00001"


class Ours:
    """A recording of the suite's own."""

    def __init__(self) -> None:
        self.folder = Path("x")
        self.header = Header(
            scenario="admission", run="r", seed=0, clock="virtual", origin_monotonic=0.0, origin_wall=1_767_225_600.0,
            suite_version="0", provider="embedded", scenario_spec={"name": "admission"},
        )  # fmt: skip


def service(**fields: Any) -> dict[str, Any]:
    """An InferenceService with these fields on its predictor."""
    return {"kind": "InferenceService", "metadata": {"name": "flowers-sample"}, "spec": {"predictor": fields}}


def admitted(written: dict[str, Any], became: dict[str, Any], **configured: dict[str, Any]) -> History:
    """A manifest, what admission made of it, and configuration by source (underscores for dashes)."""
    bodies: list[tuple[float, Body]] = [
        (0.0, ConfigBody(name.replace("_", "-"), data)) for name, data in configured.items()
    ]
    bodies.append((1.0, ManifestBody(ManifestStage.APPLIED, "flowers-sample", text=yaml.safe_dump(written))))
    bodies.append((1.1, ManifestBody(ManifestStage.ADMITTED, "flowers-sample", object=became)))
    bodies.append((2.0, RevisionBody(REVISION, ChangeType.ADDED)))
    return build(Ours(), tuple(Fact(t, 1_767_225_600.0 + t, body) for t, body in bodies), ())


def of(history: History) -> dict[str, str]:
    """Annotations asked for, without their prefix."""
    found = requested_settings(history, history.revisions[REVISION])
    return {key.rpartition("/")[2]: text for key, text in found.annotations.items()}


def window(history: History) -> float:
    """The stable window that the revision's autoscaler is expected to have, in seconds."""
    return parameters(history, history.revisions[REVISION]).stable_window_seconds


def test_a_limit_that_admission_fills_in_is_what_the_platform_is_measured_by() -> None:
    history = admitted(service(minReplicas=1), service(minReplicas=1, containerConcurrency=10))
    found = parameters(history, history.revisions[REVISION])
    assert requested_settings(history, history.revisions[REVISION]).container_concurrency == 10
    assert found.target_value == pytest.approx(7.0)


def test_a_limit_that_admission_fills_in_shows_as_drift() -> None:
    history = admitted(service(minReplicas=1), service(minReplicas=1, containerConcurrency=10))
    (entry,) = drift.of(history)
    assert (entry.passage, entry.claimed) == (
        "the manifest's predictor.containerConcurrency",
        "no containerConcurrency",
    )
    assert entry.modelled == "containerConcurrency 10, by the cluster's admission"


def test_what_the_manifest_states_wins_over_what_admission_made_of_it() -> None:
    history = admitted(service(scaleTarget=1), service(scaleTarget=2))
    assert of(history)["target"] == "1"
    assert [(entry.claimed, entry.modelled) for entry in drift.of(history)] == [
        ("scaleTarget 1", "scaleTarget 2, by the cluster's admission")
    ]


def test_bounds_that_admission_fills_in_are_not_the_pages() -> None:
    history = admitted(service(scaleTarget=1), service(scaleTarget=1, minReplicas=0, maxReplicas=3))
    assert of(history)["min-scale"] == "1"
    assert "max-scale" not in of(history)


def test_an_old_target_made_a_field_is_the_same_target() -> None:
    written = service()
    written["metadata"]["annotations"] = {"autoscaling.knative.dev/target": "5"}
    history = admitted(written, service(scaleTarget=5))
    assert of(history)["target"] == "5"
    assert drift.of(history) == ()


def test_the_clusters_default_limit_holds_where_nobody_states_one() -> None:
    history = admitted(service(), service(), config_defaults={"container-concurrency": "20"})
    assert requested_settings(history, history.revisions[REVISION]).container_concurrency == 20


def test_a_stated_limit_of_zero_is_no_default() -> None:
    limitless = service(containerConcurrency=0)
    history = admitted(limitless, limitless, config_defaults={"container-concurrency": "20"})
    assert requested_settings(history, history.revisions[REVISION]).container_concurrency == 0


def test_a_configuration_that_could_not_be_read_is_the_declared_one() -> None:
    history = admitted(service(), service(), installation={"autoscaler_config": {"stable-window": "30s"}})
    assert window(history) == 30.0


def test_a_configuration_that_was_read_wins_over_the_declared_one() -> None:
    history = admitted(
        service(), service(), installation={"autoscaler_config": {"stable-window": "30s"}}, config_autoscaler={}
    )
    assert window(history) == 60.0


def test_recordings_without_a_manifest_are_measured_by_the_revision() -> None:
    history = admitted(service(), service())
    kept = tuple(fact for fact in history.facts if not isinstance(fact.body, ManifestBody))
    told = tuple(
        replace(fact, body=replace(fact.body, container_concurrency=4)) if isinstance(fact.body, RevisionBody) else fact
        for fact in kept
    )
    history = build(Ours(), told, ())
    assert requested_settings(history, history.revisions[REVISION]).container_concurrency == 4


@pytest.mark.parametrize(("knative", "verdict"), [(None, Verdict.NOT_APPLICABLE), ("v1.23.0", Verdict.INCONCLUSIVE)])
def test_a_platform_without_knative_is_not_asked_for_its_services(knative: str | None, verdict: Verdict) -> None:
    history = admitted(service(), service(), installation={"knative": knative})
    ended = Fact(3.0, 1_767_225_603.0, EndBody(Outcome.COMPLETE))
    history = build(Ours(), (*history.facts, ended), ())
    wanted = next(entry for entry in catalogue() if entry.id == "DEP-003")
    assert judge_history(history, wanted, Context()).verdict is verdict
