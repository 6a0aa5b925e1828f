"""`conformance try` as somebody uses it who has nothing but a manifest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from conformance.base.errors import Exit
from conformance.cli.entry import invoke
from conformance.judge import serial
from conformance.judge.judgement import Judgement
from conformance.judge.judging import judge_run
from conformance.recording.run_record import Run
from reports.rules import provenance
from tests.cli.own_services import CONTAINER, IRIS, LANGUAGE_MODEL, PAIR, written


def attempt(folder: Path, text: str, *options: str) -> int:
    """The command in virtual time, with reports in a folder of the test's own."""
    arguments = [written(folder, text), "--clock", "virtual", "--reports", str(folder / "runs"), "-z", "12s"]
    return invoke(["try", *arguments, *options])


def run_folder(folder: Path) -> Path:
    (found,) = (path.parent for path in (folder / "runs").glob("*/run.json"))
    return found


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """Exit code and folder of a run that several tests look at."""
    folder = tmp_path_factory.mktemp("iris")
    return attempt(folder, IRIS, "-c", "5"), folder


@pytest.fixture(scope="module")
def judged(iris: tuple[int, Path]) -> tuple[Judgement, ...]:
    """That run, judged again."""
    return judge_run(run_folder(iris[1])).judgements


def test_a_manifest_alone_is_deployed_loaded_and_judged(iris: tuple[int, Path], judged: tuple[Judgement, ...]) -> None:
    assert iris[0] == Exit.INCONCLUSIVE
    judgements = {entry.requirement: entry for entry in judged}
    assert judgements["INT-001"].verdict.value == judgements["DEP-001"].verdict.value == "PASS"
    assert judgements["CON-001"].verdict.value in ("PASS", "INCONCLUSIVE")
    assert judgements["DEP-003"].verdict.value == "NOT_APPLICABLE"
    assert judgements["DEP-003"].notes == "it is about the manifest of target-concurrency"
    assert judgements["DEP-022"].verdict.value == "PASS"
    assert judgements["ROL-010"].notes == "applies when revisions is [2, 9]; here it is 1"


def test_what_the_load_cannot_tell_is_inconclusive_and_says_what_would(judged: tuple[Judgement, ...]) -> None:
    untold = [entry for entry in judged if entry.verdict.value == "INCONCLUSIVE"]
    assert {reason.code for entry in untold for reason in entry.reasons} == {"POWER"}
    assert all(reason.remedy for entry in untold for reason in entry.reasons)


def test_judging_it_again_gives_the_same_bytes(iris: tuple[int, Path], judged: tuple[Judgement, ...]) -> None:
    assert serial.dump(judged) == (run_folder(iris[1]) / "judgements.json").read_bytes()


def test_its_report_is_marked_and_no_submission(iris: tuple[int, Path]) -> None:
    folder = run_folder(iris[1])
    run = Run.read(folder)
    assert not run.submittable
    assert run.command == "conformance try service.yaml -z 12s -c 5 --cluster embedded --clock virtual"
    for name in ("report.html", "summary.md"):
        assert "not a submission" in (folder / name).read_text("utf-8")

    class Submitted:
        def __init__(self) -> None:
            self.run = run

        def block(self, *names: str) -> dict[str, str]:
            return {}

    assert "the run is of services or scenarios of somebody's own" in next(iter(provenance.catalogue(Submitted())))  # type: ignore[arg-type]


def test_the_manifest_is_stored_with_the_run_and_no_folder_of_ours(iris: tuple[int, Path]) -> None:
    folder = run_folder(iris[1])
    assert "namespace" not in (folder / "examples" / "own-iris" / "manifest.yaml").read_text("utf-8")
    spec = json.loads((folder / "recording" / "own-iris" / "recording.json").read_text("utf-8"))["scenario_spec"]
    assert spec["own"] is True
    assert spec["imported"] is True
    assert "contents" not in spec
    assert str(iris[1]) not in (folder / "report.html").read_text("utf-8")


def test_what_is_taken_for_granted_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(tmp_path, PAIR) == Exit.INCONCLUSIVE
    out = capsys.readouterr().out
    assert "load      5 callers for 12 s\n" in out
    assert "request   POST /v1/models/mnist:predict" in out
    assert "model     the witness in its place, 100 ms a request, 6 s to start" in out
    for component, target in (("predictor", "1.4"), ("transformer", "2.8")):
        assert f"settings  {component}: {target} in flight a pod, 1 to any number of pods\n" in out
        assert re.search(rf"pods      {component}: \d to \d wanted at the most by the documented algorithm, \d at", out)
    assert "(your own service: not a submission)" in out


def test_a_language_model_is_asked_in_its_own_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(tmp_path, LANGUAGE_MODEL, "--json", "--service-ms", "40") == Exit.INCONCLUSIVE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    (component,) = found["service"]["components"]
    assert component["allowed"] == [3.0, 3.0]
    assert component["peak_pods"] == 3
    assert component["high_water"] <= component["container_concurrency"] == 4
    assert found["service"]["accelerator_minutes"] == found["service"]["pod_minutes"] > 0
    assert found["service"]["endings"] == {"200": found["service"]["requests"]}
    assert found["service"]["p50_seconds"] == pytest.approx(0.041, abs=0.01)


def test_a_container_of_ones_own_keeps_what_it_asks_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(tmp_path, CONTAINER) == Exit.INCONCLUSIVE
    assert "request   POST /openai/v1/chat/completions" in capsys.readouterr().out
    judgements = {entry.requirement: entry for entry in judge_run(run_folder(tmp_path)).judgements}
    assert judgements["DEP-022"].verdict.value == judgements["GPU-006"].verdict.value == "PASS"
    (more,) = {reason.remedy for reason in judgements["CON-001"].reasons}
    assert more == (
        "this load asks for 1 pod only, at 70 of concurrency a pod: -c 322 -z 60s asks for five, as less does with a "
        "lower scaleTarget"
    )
    (idle,) = (reason.remedy for reason in judgements["BND-001"].reasons)
    assert idle == "a longer time without requests: --plan with a last phase {shape: idle, seconds: 150}"


@pytest.mark.parametrize(
    ("change", "options", "words", "code"),
    [
        (("iris,", "Iris,"), (), "REFUSED: the manifest manifest.yaml was not admitted", Exit.USAGE),
        (
            ("", ""),
            ("-D", "{folder}/payload"),
            "PAYLOAD: /v1/models/iris:predict answers 400 to the payload",
            Exit.USAGE,
        ),
        (("", ""), ("--path", "/v3/x"), "PAYLOAD: /v3/x answers 404", Exit.USAGE),
        (("", ""), ("--fault", "never-ready"), "NOT_READY: iris was not Ready within 126 s: ", Exit.FAILURE),
    ],
)
def test_what_goes_wrong_on_the_cluster_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    options: tuple[str, ...],
    words: str,
    code: Exit,
) -> None:
    (tmp_path / "payload").write_text("{}")
    assert attempt(tmp_path, IRIS.replace(*change), *(text.format(folder=tmp_path) for text in options)) == code
    err = capsys.readouterr().err
    assert next(line for line in err.splitlines() if line.startswith("error: ")).startswith(f"error: {words}")
    assert Run.read(run_folder(tmp_path)).leftovers == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a MANIFEST to deploy, or --service NAMESPACE/NAME for one that runs"),
        (("{file}", "--service", "a/b"), "give a MANIFEST to deploy, or"),
        (("--service", "flowers"), "--service 'flowers': NAMESPACE/NAME is wanted"),
        (("nowhere.yaml",), "manifest nowhere.yaml: No such file or directory"),
        (("{file}", "-z", "3"), "-z '3' is not a duration"),
        (("{file}", "-rate", "5", "-c", "2"), "-rate is the total rate of an open loop"),
        (("{file}", "-n", "100"), "-n without -z"),
        (("{file}", "-D", "nowhere"), "-D nowhere: No such file or directory"),
        (("{file}", "--witnes"), "no option --witnes; did you mean '--witness'?"),
    ],
)
def test_what_the_user_can_correct_is_one_line_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    file = written(tmp_path, IRIS)
    given = [text.format(file=file) for text in arguments]
    assert invoke(["try", *given, "--clock", "virtual", "--reports", str(tmp_path / "runs")]) == Exit.USAGE
    assert capsys.readouterr().err.startswith(f"error: {words}")
    assert not (tmp_path / "runs").exists()


def test_knatives_profile_says_nothing_of_a_service_in_standard_mode(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotation = "metadata: {annotations: {serving.kserve.io/deploymentMode: Standard}, "
    text = IRIS.replace("metadata: {", annotation).replace("scaleTarget: 2", "minReplicas: 1")
    assert attempt(tmp_path, text, "--profile", "autoscaling-kpa") == Exit.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: iris is of Standard mode, where Knative's autoscaler counts nothing")
    assert not (tmp_path / "runs").exists()


def test_a_service_in_standard_mode_is_not_held_to_knatives_counts(tmp_path: Path) -> None:
    annotation = "metadata: {annotations: {serving.kserve.io/deploymentMode: Standard}, "
    assert attempt(tmp_path, IRIS.replace("metadata: {", annotation).replace("scaleTarget: 2", "minReplicas: 1")) in (
        0,
        2,
    )
    judgements = {entry.requirement: entry for entry in judge_run(run_folder(tmp_path)).judgements}
    assert judgements["CON-001"].notes.endswith("Standard mode, where Knative's autoscaler counts nothing")
    assert judgements["INT-001"].verdict.value == "PASS"
