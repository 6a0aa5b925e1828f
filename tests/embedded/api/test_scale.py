"""A full server: 1,000 InferenceServices and 5,000 pods."""

from __future__ import annotations

import asyncio
import collections
import resource
import time

from conformance.api.resources import INFERENCE_SERVICES, PODS
from conformance.clock import run_virtual
from tests.embedded.api.server import SERVICES, fresh, inference_service

PODS_PATH = "/api/v1/namespaces/default/pods"


def _pod(index: int) -> dict[str, object]:
    container = {"name": "kserve-container", "image": "witness", "resources": {"requests": {"cpu": "1"}}}
    labels = {"app": f"s{index % 1000}", "serving.kserve.io/inferenceservice": f"s{index % 1000}"}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": {"name": f"p{index}", "labels": labels}, "spec": {"containers": [container]}, "status": status}


def test_a_thousand_services_and_five_thousand_pods_list_within_a_second_and_watch_exactly_once() -> None:
    async def main() -> None:
        api = fresh()
        start = time.process_time()
        for index in range(1000):
            api.store.create(INFERENCE_SERVICES, inference_service(f"s{index}"), namespace="default")
        for index in range(5000):
            api.store.create(PODS, _pod(index), namespace="default")
        filled_seconds = time.process_time() - start
        start = time.process_time()
        services, pods = await api.ask("GET", SERVICES), await api.ask("GET", PODS_PATH)
        listed_seconds = time.process_time() - start
        assert (len(services.body["items"]), len(pods.body["items"])) == (1000, 5000)
        version = pods.body["metadata"]["resourceVersion"]

        async def change() -> None:
            for index in range(0, 5000, 10):
                api.store.patch_status(PODS, "default", f"p{index}", {"phase": "Failed"})

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(
                api.watch(f"{PODS_PATH}?watch=true&resourceVersion={version}&timeoutSeconds=5")
            )
            tasks.create_task(change())
        seen = collections.Counter(line["object"]["metadata"]["name"] for line in watching.result())
        assert seen == collections.Counter({f"p{index}": 1 for index in range(0, 5000, 10)})
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"filled in {filled_seconds:.2f} s, both lists in {listed_seconds:.2f} s, peak memory {megabytes:.0f} MB")
        assert listed_seconds < 2.0, "two lists, each within a second"

    run_virtual(main())
