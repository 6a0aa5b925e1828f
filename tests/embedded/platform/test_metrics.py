"""The resource metrics API follows the load."""

from __future__ import annotations

import asyncio
import json

import pytest

from conformance.kube.resource_quantity import quantity
from conformance.kube.verbs import Object
from tests.embedded.virtual import SPACE, Scene, play

PATH = f"/apis/metrics.k8s.io/v1beta1/namespaces/{SPACE}/pods"
NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
FLOWERS = "flowers-sample"


async def ask(scene: Scene, path: str, **query: str) -> tuple[int, Object]:
    answer = await scene.api.request("GET", path, query=query)
    return answer.status, json.loads(answer.body)


def cores(pod: Object, container: str) -> float:
    return quantity(next(one["usage"]["cpu"] for one in pod["containers"] if one["name"] == container))


def test_usage_rises_with_the_requests_in_a_pod() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-custom-new")
        isvc = await scene.ready(FLOWERS)
        await scene.clock.sleep(35)
        _, idle = await ask(scene, PATH)
        async with asyncio.TaskGroup() as group:
            url, path = isvc["status"]["url"], "/v1/models/flowers-sample:predict"
            group.create_task(scene.hold(url, path, 2, 40.0, x_cpu_ms="10"))
            await scene.clock.sleep(35)
            _, busy = await ask(scene, PATH)
        assert busy["kind"] == "PodMetricsList"
        assert 0.17 < cores(busy["items"][0], "kserve-container") < 0.22
        assert cores(busy["items"][0], "kserve-container") > 2 * cores(idle["items"][0], "kserve-container") > 0
        assert cores(busy["items"][0], "queue-proxy") == cores(idle["items"][0], "queue-proxy")

    play(story)


def test_a_node_uses_what_its_pods_use() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        await scene.clock.sleep(35)
        (pod,) = await scene.live_pods()
        _, nodes = await ask(scene, NODES)
        _, one = await ask(scene, f"{PATH}/{pod['metadata']['name']}")
        used = {node["metadata"]["name"]: quantity(node["usage"]["cpu"]) for node in nodes["items"]}
        assert len(used) == scene.platform.options.nodes
        whole = sum(quantity(entry["usage"]["cpu"]) for entry in one["containers"])
        assert used[pod["spec"]["nodeName"]] == pytest.approx(0.05 + whole)
        assert sorted(used.values())[:-1] == [0.05] * (len(used) - 1)

    play(story, witness=False)


def test_metrics_are_selected_by_label_and_cannot_be_watched_or_written() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready(FLOWERS)
        assert (await ask(scene, PATH))[1]["items"] == []
        await scene.clock.sleep(35)
        assert len((await ask(scene, PATH, labelSelector="component=predictor"))[1]["items"]) == 1
        assert (await ask(scene, PATH, labelSelector="component=transformer"))[1]["items"] == []
        assert (await ask(scene, PATH + "/nosuch"))[0] == 404
        assert (await ask(scene, PATH, watch="true"))[0] == 405
        assert (await scene.api.request("POST", PATH, body=b"{}", content_type="application/json")).status == 405

    play(story, witness=False)
