"""A full API server, 1,000 InferenceServices and 5,000 pods: `python -m tests.benchmarks.api_server`.

Prints processor time of filling it, of each list and of 6,000 changes that two watches follow, and what the objects
take in memory. Requests go to the application without sockets.
"""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from typing import Any

from conformance.base.clock import run_virtual
from conformance.kube.resources import INFERENCE_SERVICES, PODS, Resource
from tests.embedded.api.server import SERVICES, Api, fresh, inference_service

SERVICE_COUNT, POD_COUNT = 1000, 5000
PODS_PATH = "/api/v1/namespaces/default/pods"


def pod(index: int) -> dict[str, Any]:
    """One of five pods of a service."""
    container = {"name": "kserve-container", "image": "witness", "resources": {"requests": {"cpu": "1"}}}
    labels = {"app": f"s{index % SERVICE_COUNT}", "serving.kserve.io/inferenceservice": f"s{index % SERVICE_COUNT}"}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": f"p{index}", "labels": labels}, "spec": {"containers": [container]}, "status": status}


def full(part: int = 1) -> Api:
    """A server with all objects, or with a part of them."""
    api = fresh()
    for index in range(SERVICE_COUNT // part):
        api.store.create(INFERENCE_SERVICES, inference_service(f"s{index}"), namespace="default")
    for index in range(POD_COUNT // part):
        api.store.create(PODS, pod(index), namespace="default")
    return api


async def followed(api: Api) -> int:
    """Changes of every object that two watches were sent."""
    version = api.store.version

    async def change(resource: Resource, prefix: str, count: int) -> None:
        for index in range(count):
            api.store.patch_status(resource, "default", f"{prefix}{index}", {"phase": "Changed"})
            if index % 50 == 0:
                await asyncio.sleep(0.01)

    paths = [f"{path}?watch=true&resourceVersion={version}&timeoutSeconds=5" for path in (SERVICES, PODS_PATH)]
    async with asyncio.TaskGroup() as tasks:
        watches = [tasks.create_task(api.watch(path)) for path in paths]
        tasks.create_task(change(INFERENCE_SERVICES, "s", SERVICE_COUNT))
        tasks.create_task(change(PODS, "p", POD_COUNT))
    return sum(len(watch.result()) for watch in watches)


async def main() -> None:
    """Print one line for each measurement."""
    start = time.process_time()
    api = full()
    print(f"filled with {SERVICE_COUNT + POD_COUNT} objects in {time.process_time() - start:.2f} s")
    for path in (SERVICES, PODS_PATH):
        start = time.process_time()
        items = (await api.ask("GET", path)).body["items"]
        seconds = time.process_time() - start
        print(f"{len(items)} objects listed in {seconds:.2f} s, {len(json.dumps(items)) / 1e6:.1f} MB of JSON")
    start = time.process_time()
    count = await followed(api)
    print(f"{count} changes watched in {time.process_time() - start:.2f} s")
    tracemalloc.start()
    part = full(part=10)
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    print(f"{len(part.store.objects(('', 'pods')))} pods and their services, with their history, in {megabytes:.1f} MB")


if __name__ == "__main__":
    run_virtual(main())
