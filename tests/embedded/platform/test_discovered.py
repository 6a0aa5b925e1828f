"""What cluster browsers do: find every kind, list it in every form, and watch all of them at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from conformance.kube.verbs import Object
from tests.embedded.virtual import SPACE, Scene, play


async def ask(scene: Scene, path: str, **query: str) -> Object:
    answer = await scene.api.request("GET", path, query=query)
    assert answer.status == 200, f"{path}: {answer.body!r}"
    found: Object = json.loads(answer.body)
    return found


async def discovered(scene: Scene, verb: str) -> list[str]:
    """Paths of all collections, over all namespaces."""
    places = ["/api/v1"]
    for group in (await ask(scene, "/apis"))["groups"]:
        places += [f"/apis/{version['groupVersion']}" for version in group["versions"]]
    found = []
    for place in places:
        for entry in (await ask(scene, place))["resources"]:
            if "/" not in entry["name"] and verb in entry["verbs"]:
                found.append(f"{place}/{entry['name']}")
    return found


def test_every_kind_that_is_discovered_can_be_listed_and_pages() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-adv-new")
        await scene.ready("torch-transformer")
        paths = await discovered(scene, "list")
        assert len(paths) > 50
        filled = 0
        for path in paths:
            listed = await ask(scene, path, limit="500")
            assert listed["kind"].endswith("List")
            assert isinstance(listed["items"], list)
            filled += bool(listed["items"])
            first = await ask(scene, path, limit="1")
            if len(listed["items"]) > 1 and "metrics" not in path:
                assert first["metadata"]["continue"]
        assert filled > 20

    play(story, witness=False)


def test_all_kinds_are_watched_at_once_and_each_tells_of_its_own() -> None:
    async def story(scene: Scene) -> None:
        paths = await discovered(scene, "watch")
        told: dict[str, list[str]] = {path: [] for path in paths}

        async def watch(path: str) -> None:
            query = {
                "watch": "true",
                "allowWatchBookmarks": "true",
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
                "timeoutSeconds": "90",
            }
            async with scene.api.stream(path, query=query) as lines:
                await _gather(lines, told[path])

        async with asyncio.TaskGroup() as group:
            for path in paths:
                group.create_task(watch(path))
            await scene.clock.sleep(1.0)
            await scene.example("autoscale-new")
            await scene.ready("flowers-sample")
        silent = [path for path, kinds in told.items() if "BOOKMARK" not in kinds]
        assert silent == []
        for path in ("/api/v1/pods", "/apis/apps/v1/deployments", "/apis/serving.knative.dev/v1/revisions"):
            assert "ADDED" in told[path][told[path].index("BOOKMARK") :]
            assert "MODIFIED" in told[path]

    play(story, witness=False)


async def _gather(lines: AsyncIterator[bytes], told: list[str]) -> None:
    async for line in lines:
        told.append(json.loads(line)["type"])


def test_a_namespace_is_looked_at_kind_by_kind() -> None:
    async def story(scene: Scene) -> None:
        await scene.example("autoscale-new")
        await scene.ready("flowers-sample")
        for path in ("/api/v1/namespaces/{}/pods", "/apis/serving.kserve.io/v1beta1/namespaces/{}/inferenceservices"):
            listed = await ask(scene, path.format(SPACE))
            one = listed["items"][0]["metadata"]["name"]
            assert (await ask(scene, f"{path.format(SPACE)}/{one}"))["metadata"]["name"] == one
            assert (await ask(scene, path.format("elsewhere")))["items"] == []

    play(story, witness=False)
