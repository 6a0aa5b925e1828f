"""Services of one's own: what a manifest says, and one that runs already."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import UsageError
from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.own_scenario import DEFAULT_PLAN, OwnScenario, deployed, running
from conformance.judge.history import History, read
from conformance.judge.service_summary import ServiceSummary
from conformance.kube.resources import INFERENCE_SERVICES, NAMESPACES, SERVING_RUNTIMES
from conformance.kube.serving_runtimes import ModelFormat, runtimes
from conformance.kube.verbs import create, get
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.recording.pod_bodies import PodBody
from conformance.recording.reader import Recording
from conformance.recording.run_record import ScenarioRun
from conformance.run import deployment
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.scenario_run import run_scenario
from tests.cli.own_services import IRIS, LANGUAGE_MODEL, PAIR

SHORT = LoadPlan((Phase(LoadShape.CLOSED, 10.0, workers=4),))
CUSTOM = """
kind: InferenceService
metadata: {name: own-code}
spec:
  predictor:
    containers:
      - {name: kserve-container, image: "registry.example.net/model:1", command: [serve], env: [{name: A, value: b}]}
---
kind: Secret
metadata: {name: key, namespace: elsewhere}
"""


def parsed(text: str) -> OwnManifest:
    return OwnManifest.parse(text.encode(), "mine.yaml")


@pytest.mark.parametrize(
    ("text", "protocol", "path", "formats"),
    [
        (IRIS, "v1", "/v1/models/iris:predict", (ModelFormat("sklearn", ("1",)),)),
        (IRIS.replace(": sklearn", ": triton"), "v2", "/v2/models/iris/infer", (ModelFormat("triton", ("1",)),)),
        (PAIR, "v1", "/v1/models/mnist:predict", (ModelFormat("pytorch", ("1",)),)),
        (LANGUAGE_MODEL, "openai", "/openai/v1/chat/completions", (ModelFormat("huggingface", ("1",)),)),
        (CUSTOM, "v1", "/v1/models/own-code:predict", ()),
        (
            IRIS.replace("{name: sklearn}", "{name: sklearn, version: '2'}, protocolVersion: v2, runtime: mine"),
            "v2", "/v2/models/iris/infer", (ModelFormat("sklearn", ("2",), "mine"),),
        ),
    ],
)  # fmt: skip
def test_a_manifest_says_how_its_model_is_asked(
    text: str, protocol: str, path: str, formats: tuple[ModelFormat, ...]
) -> None:
    own = parsed(text)
    assert (own.protocol, own.path, own.formats()) == (protocol, path, formats)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: InferenceServic\n", "mine.yaml: kind 'InferenceServic' is nothing.*did you mean 'InferenceService'"),
        ("", "mine.yaml: 0 InferenceServices; a manifest holds exactly one"),
        (IRIS + "---" + IRIS, "mine.yaml: 2 InferenceServices"),
        ("a: [", r"mine.yaml line 2: not YAML: "),
        ("kind: InferenceService\n", "mine.yaml: a InferenceService without metadata.name"),
        ("kind: InferenceService\nmetadata: {name: a}\n", "mine.yaml: a has no spec.predictor"),
    ],
)
def test_a_manifest_that_is_none_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parsed(text)


def test_the_witness_takes_the_place_of_a_container_of_ones_own() -> None:
    scenario = deployed(parsed(CUSTOM), DEFAULT_PLAN, witness=True, service_ms=40, start_seconds=2)
    text = scenario.applied("registry/witness@sha256:1").decode()
    assert "image: registry/witness@sha256:1" in text
    assert "registry.example.net" not in text
    assert "command" not in text
    (container,) = OwnManifest.parse(text.encode(), "").spec["predictor"]["containers"]
    assert {entry["name"]: entry["value"] for entry in container["env"]} == {
        "A": "b", "WITNESS_SERVICE_MS": "40", "WITNESS_START_SECONDS": "2",
    }  # fmt: skip
    assert deployed(parsed(CUSTOM), DEFAULT_PLAN, witness=False).applied("x").count(b"registry.example.net") == 1


def recorded(folder: Path, scenario: OwnScenario, beside: tuple[str, ...] = ()) -> tuple[ScenarioRun, History, bool]:
    """Run it where services run already in namespace `models`; and whether the first of these is still there."""

    async def story() -> tuple[ScenarioRun, bool]:
        clock = virtual_clock()
        async with EmbeddedProvider(clock=clock, seed=3).open() as cluster:
            assert cluster.ingress.handler is not None
            if beside:
                await create(cluster.api, NAMESPACES, {"kind": "Namespace", "metadata": {"name": "models"}})
                for value in runtimes("witness", formats=(ModelFormat("sklearn"),), start_seconds=1.0):
                    await deployment.put(cluster.api, SERVING_RUNTIMES, "models", value)
            for text in beside:
                await deployment.deploy(cluster.api, "models", parsed(text).applied())
            await clock.sleep(40.0)
            generator = InProcessGenerator(cluster.ingress.handler, clock)
            conditions = Conditions("20260101-000000-abcd", 3, "0.1.0")
            context = ScenarioContext(cluster, scenario, folder, conditions, generator, lambda _: None)
            done = await run_scenario(context)
            there = (
                bool(beside)
                and await get(cluster.api, INFERENCE_SERVICES, "models", parsed(beside[0]).name) is not None
            )
            return done, there

    done, there = run_virtual(story())
    return done, read(Recording(folder / done.recording)), there


def test_a_service_that_runs_is_loaded_and_left_as_it_is(tmp_path: Path) -> None:
    scenario = running("models/iris", SHORT, path="/v1/models/iris:predict", payload=b'{"instances": [[1.0]]}')
    other = IRIS.replace("name: iris", "name: iris-two")
    done, history, there = recorded(tmp_path, scenario, (IRIS, other))
    assert (done.outcome, done.reason) == ("complete", "")
    assert there
    assert {fact.body.name.partition("-predictor")[0] for fact in history.of(PodBody)} == {"iris"}
    summary = ServiceSummary(history)
    (component,) = summary.components
    assert (component.metric, component.target_value) == ("concurrency", 1.4)
    assert component.allowed is not None
    assert component.allowed[0] <= component.peak_pods <= component.allowed[1]
    assert summary.errors == 0


def test_a_service_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    scenario = running("models/rose", SHORT, path="/", payload=b"")
    done, _, there = recorded(tmp_path, scenario, (IRIS,))
    assert done.reason == "NOT_FOUND: there is no InferenceService rose in namespace models"
    assert there


def test_what_stands_beside_a_service_is_made_first_in_the_same_namespace(tmp_path: Path) -> None:
    runtime = """
kind: ServingRuntime
apiVersion: serving.kserve.io/v1alpha1
metadata: {name: mine, namespace: elsewhere}
spec:
  supportedModelFormats: [{name: special, version: "1"}]
  protocolVersions: [v1]
  containers: [{name: kserve-container, image: "registry.example.net/server:1"}]
---"""
    text = runtime + IRIS.replace("{name: sklearn}", "{name: special}, runtime: mine")
    done, history, _ = recorded(tmp_path, deployed(parsed(text), SHORT, witness=False))
    assert (done.outcome, done.reason) == ("complete", "")
    assert ServiceSummary(history).endings.keys() == {"200"}


def test_callers_who_meet_a_cold_start_are_counted(tmp_path: Path) -> None:
    text = IRIS.replace("scaleTarget: 2", "scaleTarget: 2\n    minReplicas: 0")
    plan = LoadPlan((Phase(LoadShape.CLOSED, 20.0, workers=3),))
    done, history, _ = recorded(tmp_path, deployed(parsed(text), plan, witness=True, image=False))
    assert done.outcome == "complete"
    summary = ServiceSummary(history)
    assert summary.cold_requests == 3
    assert summary.percentile(100) > 6
    assert 0 < summary.pod_minutes < 6
    course = list(summary.course())
    assert (course[0][2], course[-1][2]) == (0, 0)
    assert max(pods for _, _, pods in course) == summary.components[0].peak_ready
