"""A full server: 1,000 InferenceServices and 5,000 pods. Prints what it measured: run with `-s`."""

from __future__ import annotations

import asyncio
import collections
import json
import time
import tracemalloc
from typing import Any

from conformance.kube.resources import INFERENCE_SERVICES, PODS, Resource
from tests.embedded.api.server import SERVICES, Api, fresh, in_virtual_time, inference_service

PODS_PATH = "/api/v1/namespaces/default/pods"
SERVICE_COUNT, POD_COUNT = 1000, 5000
LIST_SECONDS = 1.0
"""Processor time of one list, measured here at well under a third of it."""


def _pod(index: int) -> dict[str, object]:
    container = {"name": "kserve-container", "image": "witness", "resources": {"requests": {"cpu": "1"}}}
    labels = {"app": f"s{index % 1000}", "serving.kserve.io/inferenceservice": f"s{index % 1000}"}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": f"p{index}", "labels": labels}, "spec": {"containers": [container]}, "status": status}


def _full(part: int = 1) -> Api:
    """A server with all objects, or with a part of them."""
    api = fresh()
    for index in range(SERVICE_COUNT // part):
        api.store.create(INFERENCE_SERVICES, inference_service(f"s{index}"), namespace="default")
    for index in range(POD_COUNT // part):
        api.store.create(PODS, _pod(index), namespace="default")
    return api


@in_virtual_time
async def test_each_list_of_a_thousand_services_and_five_thousand_pods_takes_less_than_a_second() -> None:
    start = time.process_time()
    api = _full()
    print(f"\nfilled in {time.process_time() - start:.2f} s")
    for path, count in ((SERVICES, SERVICE_COUNT), (PODS_PATH, POD_COUNT)):
        start = time.process_time()
        listed = await api.ask("GET", path)
        seconds = time.process_time() - start
        print(f"{count} objects listed in {seconds:.2f} s, {len(json.dumps(listed.body)) / 1e6:.1f} MB of JSON")
        assert len(listed.body["items"]) == count
        assert seconds < LIST_SECONDS


@in_virtual_time
async def test_a_watch_of_a_full_server_delivers_each_change_once_and_in_order() -> None:
    api = _full()
    version = api.store.version

    async def change(resource: Resource, prefix: str, count: int) -> None:
        for index in range(count):
            api.store.patch_status(resource, "default", f"{prefix}{index}", {"phase": "Changed"})
            if index % 50 == 0:
                await asyncio.sleep(0.01)

    async def watched(path: str) -> list[Any]:
        return await api.watch(f"{path}?watch=true&resourceVersion={version}&timeoutSeconds=5")

    start = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        services, pods = tasks.create_task(watched(SERVICES)), tasks.create_task(watched(PODS_PATH))
        tasks.create_task(change(INFERENCE_SERVICES, "s", SERVICE_COUNT))
        tasks.create_task(change(PODS, "p", POD_COUNT))
    print(f"\n{SERVICE_COUNT + POD_COUNT} changes delivered in {time.process_time() - start:.2f} s")
    for lines, prefix, count in ((services.result(), "s", SERVICE_COUNT), (pods.result(), "p", POD_COUNT)):
        names = collections.Counter(line["object"]["metadata"]["name"] for line in lines)
        assert names == collections.Counter({f"{prefix}{index}": 1 for index in range(count)})
        versions = [int(line["object"]["metadata"]["resourceVersion"]) for line in lines]
        assert versions == sorted(versions)


@in_virtual_time
async def test_a_tenth_of_a_full_server_holds_its_objects_in_less_than_ten_megabytes() -> None:
    fresh()  # what is loaded once for all servers
    tracemalloc.start()
    try:
        api = _full(part=10)
        megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()
    count = (SERVICE_COUNT + POD_COUNT) // 10
    assert api.store.version > count
    print(f"\n{count} objects and their history in {megabytes:.1f} MB")
    assert megabytes < 10
