"""What happens to an InferenceService that changes, stops, or should never have been."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from conformance.kube import resources
from conformance.kube.verbs import ApiStatus, delete, merge
from conformance.run import deployment
from tests.embedded.virtual import EXAMPLES, SPACE, Scene, condition, play

FLOWERS = "flowers-sample"
PREDICT = "/v1/models/flowers-sample:predict"


def manifest(name: str = "autoscale-new", **predictor: Any) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    value["spec"]["predictor"] |= predictor
    return value


async def change(scene: Scene, patch: dict[str, Any]) -> None:
    await merge(scene.api, resources.INFERENCE_SERVICES, SPACE, FLOWERS, patch)


def test_a_changed_target_makes_a_revision_that_takes_over_when_ready() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)
        url = isvc["status"]["url"]
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.hold(url, PREDICT, 4, 100.0))
            await scene.clock.sleep(30)
            await change(scene, {"spec": {"predictor": {"scaleTarget": 2}}})
            await scene.clock.sleep(3)
            route = await scene.get(resources.ROUTES, "flowers-sample-predictor")
            assert route["status"]["traffic"][0]["revisionName"].endswith("-00001")
            await scene.clock.sleep(20)
            route = await scene.get(resources.ROUTES, "flowers-sample-predictor")
            assert route["status"]["traffic"][0]["revisionName"].endswith("-00002")
        await scene.clock.sleep(100)
        revisions = {pod["metadata"]["labels"]["serving.knative.dev/revision"] for pod in await scene.live_pods()}
        assert revisions == {"flowers-sample-predictor-00002"}
        assert set(scene.codes) == {200}

    play(story, guarded=True)


def test_applying_the_same_again_makes_no_revision() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-custom-new")
        await scene.ready(FLOWERS)
        await scene.example("autoscale-custom-new")
        await scene.clock.sleep(5)
        assert len(await scene.listed(resources.REVISIONS)) == 1
        await scene.example("autoscale-custom-old")
        await scene.clock.sleep(5)
        assert len(await scene.listed(resources.REVISIONS)) == 1

    play(story)


def test_the_stop_annotation_takes_the_pods_and_gives_them_back() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        await change(scene, {"metadata": {"annotations": {"serving.kserve.io/stop": "true"}}})
        await scene.clock.sleep(2)
        assert not await scene.live_pods()
        isvc = await scene.get(resources.INFERENCE_SERVICES, FLOWERS)
        assert condition(isvc, "Stopped") == "True"
        assert condition(isvc, "Ready") == "False"
        await change(scene, {"metadata": {"annotations": {"serving.kserve.io/stop": None}}})
        isvc = await scene.ready(FLOWERS)
        assert (await scene.request(isvc["status"]["url"], PREDICT)).status == 200

    play(story)


def test_a_minimum_changed_to_zero_takes_effect() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        await change(scene, {"spec": {"predictor": {"minReplicas": 0}}})
        await scene.clock.sleep(120)
        assert not await scene.live_pods()

    play(story)


def test_deleting_a_service_deletes_its_objects_and_its_route() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)
        await delete(scene.api, resources.INFERENCE_SERVICES, SPACE, FLOWERS)
        await scene.clock.sleep(60)
        for kind in (resources.KNATIVE_SERVICES, resources.REVISIONS, resources.DEPLOYMENTS, resources.PODS):
            assert not await scene.listed(kind)
        assert (await scene.request(isvc["status"]["url"], PREDICT)).status == 404

    play(story)


@pytest.mark.parametrize(
    ("change_of", "words"),
    [
        ({"scaleMetric": "qps"}, 'supported values: "cpu", "memory", "concurrency", "rps"'),
        ({"scaleMetric": "cpu"}, "[cpu] is not a supported metric"),
        ({"scaleMetric": "memory"}, "[memory] is not a supported metric"),
        ({"scaleMetric": "rps", "scaleTarget": 0}, "the target for rps should be greater than 1"),
        ({"minReplicas": -1}, "'MinReplicas' cannot be less than 0"),
        ({"maxReplicas": -1}, "'MaxReplicas' cannot be less than 0"),
        ({"minReplicas": 3, "maxReplicas": 2}, "'MinReplicas' cannot be greater than MaxReplicas"),
        ({"containerConcurrency": -1}, "parallelism cannot be less than 0"),
        ({"deploymentStrategy": {"type": "Recreate"}}, "only supported for raw deployment mode"),
        ({"model": None}, "must be specified in PredictorSpec"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_setting_that_cannot_work_is_refused_with_kserves_words(change_of: dict[str, Any], words: str) -> None:
    async def story(scene: Scene) -> None:
        with pytest.raises(ApiStatus) as refused:
            await scene.apply(manifest(**change_of))
        assert words in refused.value.message
        assert not await scene.listed(resources.INFERENCE_SERVICES)

    play(story)


@pytest.mark.parametrize("metric", ["concurrency", "rps"])
def test_standard_mode_with_an_explicit_hpa_refuses_request_metrics(metric: str) -> None:
    async def story(scene: Scene) -> None:
        value = manifest(scaleMetric=metric)
        value["metadata"]["annotations"] = {
            "serving.kserve.io/deploymentMode": "Standard",
            "serving.kserve.io/autoscalerClass": "hpa",
        }
        with pytest.raises(ApiStatus, match=rf"\[{metric}\] is not a supported metric"):
            await scene.apply(value)

    play(story)


def test_the_autoscaler_class_kpa_is_refused() -> None:
    async def story(scene: Scene) -> None:
        value = manifest()
        value["metadata"]["annotations"] = {"serving.kserve.io/autoscalerClass": "kpa"}
        with pytest.raises(ApiStatus, match=r"\[kpa\] is not a supported autoscaler class type"):
            await scene.apply(value)

    play(story)


def test_the_mode_of_a_live_service_cannot_be_changed() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        words = "deploymentMode cannot be changed from 'Knative' to 'Standard'"
        with pytest.raises(ApiStatus, match=words):
            await change(scene, {"metadata": {"annotations": {"serving.kserve.io/deploymentMode": "Standard"}}})

    play(story)


def test_a_target_of_zero_is_admitted_and_fails_in_knative() -> None:
    async def story(scene: Scene) -> None:
        await scene.apply(manifest(scaleTarget=0))
        await scene.clock.sleep(2)
        isvc = await scene.get(resources.INFERENCE_SERVICES, FLOWERS)
        found = next(c for c in isvc["status"]["conditions"] if c["type"] == "PredictorReady")
        assert (found["status"], found["reason"]) == ("False", "ReconcileFailed")
        assert "should be at least 0.01" in found["message"]
        assert not await scene.listed(resources.KNATIVE_SERVICES)

    play(story)


def test_a_model_without_a_runtime_says_so() -> None:
    async def story(scene: Scene) -> None:
        value = manifest()
        value["spec"]["predictor"]["model"]["modelFormat"]["name"] = "unheard-of"
        await scene.apply(value)
        await scene.clock.sleep(2)
        isvc = await scene.get(resources.INFERENCE_SERVICES, FLOWERS)
        assert isvc["status"]["modelStatus"]["transitionStatus"] == "InvalidSpec"
        assert isvc["status"]["modelStatus"]["lastFailureInfo"]["reason"] == "NoSupportingRuntime"

    play(story)


def test_a_pod_says_what_its_containers_did() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        (pod,) = await scene.live_pods()
        names = [container["name"] for container in pod["status"]["containerStatuses"]]
        assert names == ["kserve-container", "queue-proxy"]
        assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
        assert not [name for name in pod["metadata"]["annotations"] if name.startswith("autoscaling.knative.dev/")]
        path = resources.PODS.path(SPACE, pod["metadata"]["name"], "log")
        answer = await scene.api.request("GET", path, query={"container": "kserve-container"})
        assert b"listening" in answer.body
        reasons = {event["reason"] for event in await scene.listed(resources.EVENTS)}
        assert {"Scheduled", "Pulled", "Started", "SuccessfulCreate", "InferenceServiceReady"} <= reasons

    play(story)


def test_the_events_of_one_deletion_leave_nothing_running() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        (pod,) = await scene.live_pods()
        path = resources.PODS.path(SPACE, pod["metadata"]["name"])
        await scene.api.request("DELETE", path, query={"gracePeriodSeconds": "0"})
        await scene.clock.sleep(1)
        names = [other["metadata"]["name"] for other in await scene.listed(resources.PODS)]
        assert len(names) == 1
        assert pod["metadata"]["name"] not in names
        assert await deployment.sweep(scene.api, scene.clock.wall()) == ()

    play(story)


def test_standard_mode_without_a_ready_pod_is_refused_as_by_an_ingress_controller() -> None:
    async def story(scene: Scene) -> None:
        value = manifest()
        value["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
        await scene.apply(value)
        isvc = await scene.ready(FLOWERS)
        (pod,) = await scene.live_pods()
        path = resources.PODS.path(SPACE, pod["metadata"]["name"])
        await scene.api.request("DELETE", path, query={"gracePeriodSeconds": "0"})
        await scene.clock.sleep(0.1)
        answer = await scene.request(isvc["status"]["url"], PREDICT)
        assert (answer.status, answer.body) == (503, b"no healthy upstream")
        await scene.clock.sleep(20)
        assert (await scene.request(isvc["status"]["url"], PREDICT)).status == 200

    play(story)


@pytest.mark.parametrize(("grace_seconds", "least", "most"), [(None, 30.0, 32.0), (5, 5.0, 7.0)])
def test_a_pod_drains_for_half_a_minute_unless_its_grace_period_is_shorter(
    grace_seconds: int | None, least: float, most: float
) -> None:
    async def story(scene: Scene) -> float:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        name = (await scene.live_pods())[0]["metadata"]["name"]
        begun = scene.clock.monotonic()
        await delete(scene.api, resources.PODS, SPACE, name, grace_seconds=grace_seconds)

        async def gone() -> bool:
            return name not in {pod["metadata"]["name"] for pod in await scene.listed(resources.PODS)}

        await scene.until(gone, every=0.1)
        return scene.clock.monotonic() - begun

    assert least <= play(story) <= most
