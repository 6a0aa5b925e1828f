"""The platform scales from outside as Knative does: timelines, zero, cold start, accelerators, both autoscalers."""

from __future__ import annotations

import asyncio
import cProfile
from typing import Any

import pytest
import yaml

from clusters.embedded.install.platform_options import PlatformOptions
from conformance.kube import resources
from conformance.kube.verbs import merge
from tests.embedded.virtual import EXAMPLES, MNIST, SPACE, Scene, condition, play

FLOWERS = "flowers-sample"
PREDICT = "/v1/models/flowers-sample:predict"


CALLS_PER_REQUEST = 300
"""Calls of Python functions for one answer, all that goes on beside it included; 236 when this was set."""


async def loaded(scene: Scene, url: str, workers: int, seconds: float, watch: float) -> list[tuple[float, int]]:
    """Pods over `watch` seconds of which the first `seconds` have load."""
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.hold(url, PREDICT, workers, seconds))
        counts = group.create_task(scene.counts(watch))
    return counts.result()


def first(counts: list[tuple[float, int]], pods: int, after: float = 0.0) -> float:
    """When the count was first this."""
    return next(t for t, n in counts if n == pods and t >= after)


def test_five_in_flight_go_to_eight_pods_and_back_to_one() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)
        await scene.clock.sleep(10)
        counts = await loaded(scene, isvc["status"]["url"], 5, 30.0, 120.0)
        assert max(n for _, n in counts) == 8
        assert first(counts, 8) <= 10
        left = first(counts, 4, after=40)
        assert 60 <= left <= 90
        assert all(n == 8 for t, n in counts if 12 <= t < left)
        assert [first(counts, 2, after=40) - left, first(counts, 1, after=40) - left] == pytest.approx([2, 4], abs=2)
        assert all(n >= 1 for _, n in counts)
        assert set(scene.codes) == {200}

    play(story, start_seconds=6.0, guarded=True)


def test_a_request_costs_as_much_after_a_minute_of_load_as_before() -> None:
    async def story(scene: Scene) -> tuple[float, float]:
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)

        async def calls_per_request() -> float:
            answered = scene.codes[200]
            profile = cProfile.Profile(builtins=False)
            with profile:
                await scene.hold(isvc["status"]["url"], PREDICT, 5, 10.0)
            assert scene.codes[200] - answered > 480
            return sum(entry.callcount for entry in profile.getstats()) / (scene.codes[200] - answered)

        await scene.hold(isvc["status"]["url"], PREDICT, 5, 20.0)
        early = await calls_per_request()
        await scene.hold(isvc["status"]["url"], PREDICT, 5, 60.0)
        return early, await calls_per_request()

    early, late = play(story)
    assert late < 1.1 * early
    assert early < CALLS_PER_REQUEST


def test_an_idle_service_goes_to_zero_and_a_request_waits_for_the_cold_start() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("scale-down-to-zero-new")
        isvc = await scene.ready(FLOWERS)
        url = isvc["status"]["url"]
        assert (await scene.request(url, PREDICT)).status == 200
        last = scene.clock.monotonic()
        await scene.until(lambda: none_live(scene), 120)
        assert 59 <= scene.clock.monotonic() - last <= 70
        assert condition(await scene.get(resources.INFERENCE_SERVICES, FLOWERS), "Ready") == "True"
        await scene.clock.sleep(60)
        assert not await scene.listed(resources.PODS)
        start = scene.clock.monotonic()
        answer = await scene.request(url, PREDICT)
        assert answer.status == 200
        assert 6.0 <= scene.clock.monotonic() - start <= 8.0
        assert condition(await scene.get(resources.INFERENCE_SERVICES, FLOWERS), "Ready") == "True"

    play(story, start_seconds=6.0)


async def none_live(scene: Scene) -> bool | None:
    return True if not await scene.live_pods() else None


def test_one_request_from_zero_at_a_target_of_one_brings_two_pods() -> None:
    async def story(scene: Scene) -> None:
        manifest = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
        manifest["spec"]["predictor"]["minReplicas"] = 0
        await scene.apply(manifest)
        isvc = await scene.ready(FLOWERS)
        await scene.until(lambda: none_live(scene), 200)
        # Longer than the panic window, which would still hold the zeros of the last pod.
        await scene.clock.sleep(10)
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.request(isvc["status"]["url"], PREDICT))
            counts = group.create_task(scene.counts(20.0))
        assert max(n for _, n in counts.result()) == 2

    play(story)


def test_pods_beyond_the_accelerators_wait_and_say_why() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-gpu-new")
        isvc = await scene.ready("flowers-sample-gpu")
        url, path = isvc["status"]["url"], "/v1/models/flowers-sample-gpu:predict"
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.hold(url, path, 5, 60.0))
            await scene.clock.sleep(50)
            pods = await scene.live_pods()
            placed = [pod for pod in pods if pod["spec"].get("nodeName")]
            waiting = [pod for pod in pods if not pod["spec"].get("nodeName")]
            assert (len(placed), len(waiting)) == (2, 6)
            for pod in waiting:
                assert pod["status"]["phase"] == "Pending"
                scheduled = next(c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled")
                assert (scheduled["status"], scheduled["reason"]) == ("False", "Unschedulable")
                assert "1 Insufficient nvidia.com/gpu" in scheduled["message"]
            devices = [pod["metadata"]["annotations"]["conformance.serving/devices"] for pod in placed]
            assert len(set(devices)) == 2
            events = await scene.listed(resources.EVENTS)
            assert any(event["reason"] == "FailedScheduling" for event in events)
        await scene.clock.sleep(90)
        assert len(await scene.live_pods()) == 1
        assert set(scene.codes) == {200}

    play(story, options=PlatformOptions(gpus=2, nodes=1))


def test_a_waiting_pod_starts_when_room_appears() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-gpu-new")
        isvc = await scene.ready("flowers-sample-gpu")
        async with asyncio.TaskGroup() as group:
            group.create_task(scene.hold(isvc["status"]["url"], "/v1/models/flowers-sample-gpu:predict", 5, 60.0))
            await scene.clock.sleep(20)
            node = await scene.get(resources.NODES, "embedded-0")
            for field in ("capacity", "allocatable"):
                node["status"][field]["nvidia.com/gpu"] = "4"
            await merge(
                scene.api, resources.NODES, None, "embedded-0", {"status": node["status"]}, subresource="status"
            )
            await scene.clock.sleep(2)
            assert sum(1 for pod in await scene.live_pods() if pod["spec"].get("nodeName")) == 4

    play(story, options=PlatformOptions(gpus=2, nodes=1))


def test_the_transformer_and_the_predictor_scale_by_their_own_metrics() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-adv-new")
        isvc = await scene.ready("torch-transformer")
        url, path = isvc["status"]["url"], "/v1/models/mnist:predict"
        answer = await scene.request(url, path, MNIST)
        assert answer.status == 200
        assert answer.header("x-predictor-pod")
        await scene.hold(url, path, 5, 40.0, MNIST)
        pods = await scene.live_pods()
        by_component = {
            name: sum(1 for pod in pods if pod["metadata"]["labels"]["component"] == name)
            for name in ("predictor", "transformer")
        }
        # 5 in flight over 2 x 0.7; about 48 requests a second over 8 x 0.7.
        assert by_component == {"predictor": 4, "transformer": 9}
        assert set(scene.codes) == {200}

    play(story)


def test_container_concurrency_is_never_exceeded_and_the_surplus_waits() -> None:
    async def story(scene: Scene) -> None:
        manifest = yaml.safe_load((EXAMPLES / "autoscale-custom-new.yaml").read_text())
        manifest["spec"]["predictor"]["maxReplicas"] = 1
        await scene.apply(manifest)
        isvc = await scene.ready(FLOWERS)
        answers = await scene.hold(isvc["status"]["url"], PREDICT, 30, 20.0)
        assert max(int(answer.header("x-high-water") or 0) for answer in answers) == 10
        assert set(scene.codes) == {200}
        assert len(await scene.live_pods()) == 1

    play(story)


def hpa_manifest(annotations: dict[str, str]) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load((EXAMPLES / "autoscale-new.yaml").read_text())
    manifest["metadata"]["annotations"] = annotations
    manifest["spec"]["predictor"] |= {"scaleMetric": "cpu", "scaleTarget": 60, "minReplicas": 1, "maxReplicas": 6}
    return manifest


@pytest.mark.parametrize(
    "annotations",
    [
        {"serving.kserve.io/deploymentMode": "Standard"},
        {"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"},
    ],
    ids=["standard", "knative"],
)
def test_cpu_scales_through_an_hpa_and_comes_back_after_five_minutes(annotations: dict[str, str]) -> None:
    async def story(scene: Scene) -> None:
        await scene.apply(hpa_manifest(annotations))
        isvc = await scene.ready(FLOWERS)
        await scene.hold(isvc["status"]["url"], PREDICT, 5, 90.0, x_cpu_ms="4")
        assert len(await scene.live_pods()) == 6
        (autoscaler,) = await scene.listed(resources.AUTOSCALERS)
        metric = autoscaler["spec"]["metrics"][0]["resource"]
        assert metric == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
        await scene.clock.sleep(200)
        assert len(await scene.live_pods()) == 6
        await scene.clock.sleep(250)
        assert len(await scene.live_pods()) == 1
        assert set(scene.codes) == {200}

    play(story, guarded=True)


def test_two_runs_with_one_seed_give_the_same_events() -> None:
    async def story(scene: Scene) -> list[tuple[str, str, int]]:
        seen: list[tuple[str, str, int]] = []
        scene.platform.store.listen(lambda entry: seen.append((entry.type, "/".join(entry.key), entry.version)))
        await scene.example("autoscale-new")
        isvc = await scene.ready(FLOWERS)
        await scene.hold(isvc["status"]["url"], PREDICT, 5, 8.0)
        await scene.clock.sleep(80)
        return seen

    first = play(story, seed=4)
    assert play(story, seed=4) == first
    assert play(story, seed=5) != first


def test_deleting_a_namespace_removes_everything_in_it() -> None:
    async def story(scene: Scene) -> None:
        from conformance.kube.verbs import delete
        from conformance.run import deployment

        await scene.example("autoscale-adv-new")
        await scene.ready("torch-transformer")
        await delete(scene.api, resources.NAMESPACES, None, SPACE)
        assert await deployment.gone(scene.api, SPACE, scene.clock, within=60)
        store = scene.platform.store
        left = [key for storage in store.storages() for key in store.objects(storage) if key[0] == SPACE]
        assert left == []
        assert not scene.platform.routes.find(f"torch-transformer.{SPACE}.example.com")

    play(story)
