"""Deployments that fail, and what objects and Events say about why."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import yaml

from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.nodes.failures import failure_of
from conformance.kube import resources
from conformance.kube.verbs import Object, create, merge
from tests.embedded.virtual import EXAMPLES, SPACE, Scene, play

FLOWERS = "flowers-sample"
PREDICT = "/v1/models/flowers-sample:predict"


def custom(**container: Any) -> dict[str, Any]:
    """A predictor with a container of the user's own."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": FLOWERS},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "model:1", **container}]}},
    }


def found(value: Object, kind: str) -> Object:
    return next((c for c in value["status"]["conditions"] if c["type"] == kind), {})


async def events(scene: Scene, kind: str) -> dict[str, str]:
    """Reason to the last message of an object's kind."""
    return {
        event["reason"]: event["message"]
        for event in await scene.listed(resources.EVENTS)
        if event["involvedObject"]["kind"] == kind
    }


async def container_status(scene: Scene, name: str = "kserve-container") -> Object:
    (pod,) = await scene.live_pods()
    status = pod["status"]
    every = [*status["containerStatuses"], *status.get("initContainerStatuses", ())]
    return next(entry for entry in every if entry["name"] == name)


@pytest.mark.parametrize(
    ("container", "code"),
    [
        ({"command": ["/bin/false"]}, 1),
        ({"command": ["true"]}, 0),
        ({"command": ["/bin/sh", "-c", "echo no; exit 42"]}, 42),
        ({"command": ["sh"], "args": ["-c", "exit 3"]}, 3),
        ({"image": "registry.invalid:5000/model:1"}, None),
    ],
)
def test_what_will_fail_is_known_from_the_container(container: dict[str, Any], code: int | None) -> None:
    failure = failure_of({"name": "kserve-container", "image": "model:1", **container})
    assert failure is not None
    assert failure.exit_code == code


@pytest.mark.parametrize(
    "container",
    [{}, {"args": ["false"]}, {"command": ["sh", "-c", "exit-handler --serve"]}, {"image": "valid/model.invalid:1"}],
)
def test_what_will_run_is_left_alone(container: dict[str, Any]) -> None:
    assert failure_of({"name": "kserve-container", "image": "model:1", **container}) is None


def test_a_crash_loop_shows_its_code_in_the_pod_the_revision_and_the_service() -> None:
    async def story(scene: Scene) -> None:
        await scene.apply(custom(command=["sh", "-c", "exit 42"]))
        await scene.clock.sleep(60)
        entry = await container_status(scene)
        assert entry["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        assert (entry["lastState"]["terminated"]["exitCode"], entry["restartCount"]) == (42, 2)
        assert "Back-off restarting failed container kserve-container" in (await events(scene, "Pod"))["BackOff"]
        (revision,) = await scene.listed(resources.REVISIONS)
        assert found(revision, "ContainerHealthy")["reason"] == "ExitCode42"
        isvc = await scene.get(resources.INFERENCE_SERVICES, FLOWERS)
        ready = found(isvc, "PredictorReady")
        assert (ready["status"], ready["reason"]) == ("False", "RevisionFailed")
        assert "Container failed with" in ready["message"]
        assert found(isvc, "Ready")["status"] == "False"

    play(story, witness=False)


def test_an_image_that_cannot_be_pulled_is_named_with_the_reason() -> None:
    async def story(scene: Scene) -> None:
        await scene.apply(custom(image="registry.invalid/model:1"))
        await scene.clock.sleep(5)
        entry = await container_status(scene)
        assert entry["state"]["waiting"]["reason"] == "ImagePullBackOff"
        (pod,) = await scene.live_pods()
        assert pod["status"]["phase"] == "Pending"
        said = await events(scene, "Pod")
        assert said["Pulling"] == 'Pulling image "registry.invalid/model:1"'
        assert said["BackOff"] == 'Back-off pulling image "registry.invalid/model:1"'

    play(story, witness=False)


def test_a_model_that_cannot_be_fetched_fails_in_the_initializer() -> None:
    async def story(scene: Scene) -> None:
        value = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
        value["spec"]["predictor"]["model"]["storageUri"] = "https://models.invalid/flowers"
        await scene.apply(value)
        await scene.clock.sleep(15)
        entry = await container_status(scene, "storage-initializer")
        assert entry["lastState"]["terminated"]["exitCode"] == 1
        assert "models.invalid" in entry["lastState"]["terminated"]["message"]
        (pod,) = await scene.live_pods()
        path = resources.PODS.path(SPACE, pod["metadata"]["name"], "log")
        answer = await scene.api.request("GET", path, query={"container": "storage-initializer"})
        assert b"no such host" in answer.body

    play(story, witness=False)


def test_too_few_accelerators_are_said_by_the_service_and_a_free_one_starts_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-gpu-new")
        await scene.clock.sleep(5)
        isvc = await scene.get(resources.INFERENCE_SERVICES, "flowers-sample-gpu")
        ready = found(isvc, "PredictorReady")
        assert ready["status"] == "False"
        assert "Insufficient nvidia.com/gpu" in ready["message"]
        amounts = {"status": {"capacity": {"nvidia.com/gpu": "1"}, "allocatable": {"nvidia.com/gpu": "1"}}}
        path = resources.NODES.path(None, "embedded-0", "status")
        body = json.dumps(amounts).encode()
        await scene.api.request("PATCH", path, body=body, content_type="application/merge-patch+json")
        await scene.ready("flowers-sample-gpu")

    play(story, witness=False, options=PlatformOptions(gpus=0))


def test_a_revision_that_fails_leaves_the_traffic_with_the_one_before() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)
        url = isvc["status"]["url"]
        broken = {"spec": {"predictor": {"model": {"command": ["/bin/false"]}}}}
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.hold(url, PREDICT, 2, 60.0))
            await scene.clock.sleep(10)
            await merge(scene.api, resources.INFERENCE_SERVICES, SPACE, FLOWERS, broken)
            await scene.clock.sleep(40)
            isvc = await scene.get(resources.INFERENCE_SERVICES, FLOWERS)
            route = await scene.get(resources.ROUTES, "flowers-sample-predictor")
        assert route["status"]["traffic"][0]["revisionName"] == "flowers-sample-predictor-00001"
        latest = found(isvc, "PredictorConfigurationReady")
        assert (latest["status"], latest["reason"]) == ("False", "RevisionFailed")
        assert "flowers-sample-predictor-00002" in latest["message"]
        assert set(scene.codes) == {200}

    play(story)


def test_a_pod_that_is_not_restarted_ends_in_the_phase_of_its_code() -> None:
    async def story(scene: Scene) -> None:
        for name, program in (("good", "true"), ("bad", "false")):
            container = {"name": "main", "image": "busybox", "command": [program]}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": SPACE}}
            await create(
                scene.api,
                resources.PODS,
                {**pod, "spec": {"restartPolicy": "Never", "containers": [container]}},
                SPACE,
            )
        await scene.clock.sleep(10)
        phases = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in await scene.listed(resources.PODS)}
        assert phases == {"good": "Succeeded", "bad": "Failed"}

    play(story, witness=False)
