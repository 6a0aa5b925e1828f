"""One scenario's life, in virtual time: what ends it early is its last fact, and harness.log tells the story."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.catalogue.scenario import Step
from conformance.judge.finding import NotShownError
from conformance.judge.history import read
from conformance.judge.judgement import Verdict
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.recording.pod_bodies import PodBody
from conformance.recording.reader import Recording
from conformance.recording.run_bodies import ManifestBody, PhaseBody, ProbeBody
from tests.judge.shaping import look
from tests.run.virtual_campaign import campaign, short

SETTLE = Step("settle", seconds=2.0)


def log(folder: Path) -> list[str]:
    """The lines of harness.log without their stamps."""
    return [line.partition("Z")[2] or line for line in (folder / "harness.log").read_text("utf-8").splitlines()]


def kinds(folder: Path, scenario: str) -> list[str]:
    return [fact.kind.value for fact in Recording(folder / "recording" / scenario).facts()]


def test_a_service_that_never_becomes_ready_fails_and_the_log_says_what_it_stood_at(tmp_path: Path) -> None:
    recorded, _ = campaign(
        tmp_path / "run", [short("target-concurrency", SETTLE)], fault="never-ready", readiness_seconds=30.0
    )
    (entry,) = recorded.run.scenarios
    assert (entry.outcome, entry.reason) == (
        "failed",
        "NOT_READY: flowers-sample was not Ready within 36 s (readiness_timeout_seconds is 30, usually 120)",
    )
    text = "\n".join(log(tmp_path / "run"))
    steps = [
        "creates namespace",
        "applies examples/autoscale-new.yaml",
        "not Ready within 36 s: ",
        "failed by the platform",
    ]
    assert [text.find(step) for step in steps] == sorted(text.find(step) for step in steps)
    assert "Ready=" in text
    assert "pod flowers-sample-predictor-00001-deployment-" in text


def test_only_a_service_that_had_its_time_fails(tmp_path: Path) -> None:
    found = []
    for seconds in (1.0, 120.0):
        folder = tmp_path / f"run-{seconds:g}"
        campaign(folder, [short("target-concurrency", SETTLE)], fault="never-ready", readiness_seconds=seconds)
        found.append(read(Recording(folder / "recording" / "target-concurrency")))
    with pytest.raises(NotShownError):
        look("becomes-ready", found[0])
    finding = look("becomes-ready", found[1])
    assert finding.verdict is Verdict.FAIL
    assert finding.measured is not None
    assert finding.measured.unit == "services never Ready"
    assert finding.facts[0].endswith("not Ready 126 s after it was applied")
    assert any(each.startswith("Ready=Unknown") for each in finding.facts)


def test_a_refused_manifest_fails_with_the_platforms_own_words(tmp_path: Path) -> None:
    scenario = short("qps-refused", SETTLE)
    recorded, _ = campaign(tmp_path / "run", [scenario])
    (entry,) = recorded.run.scenarios
    assert entry.outcome == "failed"
    assert entry.reason.startswith(f"REFUSED: the manifest {scenario.manifest} was not admitted: ")
    assert kinds(tmp_path / "run", "qps-refused")[-1] == "end"


def test_a_wanted_count_that_is_not_known_yet_is_told_as_none(tmp_path: Path) -> None:
    campaign(tmp_path / "run", [short("scale-to-zero", SETTLE)])
    pods = [line.partition(": pods ")[2] for line in log(tmp_path / "run") if ": pods " in line]
    assert pods == ["1/-, 2 s left"]


def test_a_load_without_a_plan_is_our_own_fault(tmp_path: Path) -> None:
    recorded, _ = campaign(tmp_path / "run", [short("target-concurrency", Step("load"))])
    (entry,) = recorded.run.scenarios
    assert entry.outcome == "error"
    assert "a load without a plan" in entry.reason
    assert "Traceback" in "\n".join(log(tmp_path / "run"))


def test_a_step_that_is_not_reached_is_noted_and_the_scenario_goes_on(tmp_path: Path) -> None:
    zero = Step("zero", within=5.0)
    recorded, _ = campaign(tmp_path / "run", [short("target-concurrency", zero, SETTLE)])
    assert recorded.run.scenarios[0].outcome == "complete"
    texts = (tmp_path / "run" / "recording" / "target-concurrency" / "facts.jsonl").read_text("utf-8")
    assert "zero was not reached within 5 s" in texts
    (line,) = (line for line in log(tmp_path / "run") if "zero was not reached within 5 s" in line)
    assert "; there are pods 1/1" in line


def phases(folder: Path, scenario: str) -> list[tuple[str, str, float]]:
    """(name, edge, t) of all phase facts."""
    found = []
    for fact in Recording(folder / "recording" / scenario).facts():
        if isinstance(fact.body, PhaseBody):
            found.append((fact.body.name, fact.body.edge.value, fact.t))
    return found


@pytest.mark.parametrize("background", [False, True])
def test_a_load_in_the_background_lets_the_next_step_begin(tmp_path: Path, background: bool) -> None:
    plan = LoadPlan((Phase(LoadShape.CLOSED, 10.0, workers=1),))
    load = Step("load", name="steady", plan=plan, background=background)
    campaign(tmp_path / "run", [short("target-concurrency", load, Step("idle", seconds=3.0))])
    times = {(name, edge): t for name, edge, t in phases(tmp_path / "run", "target-concurrency")}
    assert (times["idle", "begin"] < times["steady", "end"]) is background
    assert times["steady", "end"] - times["steady", "begin"] == pytest.approx(10.0, abs=0.5)
    assert times["idle", "end"] - times["idle", "begin"] == pytest.approx(3.0, abs=0.01)


def test_a_patch_that_is_refused_is_recorded_and_the_scenario_goes_on(tmp_path: Path) -> None:
    patch = Step("patch", patch={"spec": {"predictor": {"scaleMetric": "nonsense"}}})
    recorded, _ = campaign(tmp_path / "run", [short("target-concurrency", patch, SETTLE)])
    assert recorded.run.scenarios[0].outcome == "complete"
    stages = [
        fact.body.stage
        for fact in Recording(tmp_path / "run" / "recording" / "target-concurrency").facts()
        if isinstance(fact.body, ManifestBody)
    ]
    assert stages == ["applied", "admitted", "ready", "applied", "refused"]


def test_a_probe_is_one_request_kept_as_a_fact(tmp_path: Path) -> None:
    campaign(tmp_path / "run", [short("target-concurrency", Step("probe", name="look", path="/v1/models/none"))])
    (probe,) = [
        fact.body
        for fact in Recording(tmp_path / "run" / "recording" / "target-concurrency").facts()
        if isinstance(fact.body, ProbeBody)
    ]
    assert probe.name == "look"
    assert probe.status > 0
    assert probe.seconds > 0.0


def test_nodes_have_pseudonyms_in_recording_and_log(tmp_path: Path) -> None:
    campaign(tmp_path / "run", [short("target-concurrency", SETTLE)])
    nodes = {
        fact.body.node
        for fact in Recording(tmp_path / "run" / "recording" / "target-concurrency").facts()
        if isinstance(fact.body, PodBody) and fact.body.node
    }
    assert nodes
    assert all(name.startswith("node-") for name in nodes)
