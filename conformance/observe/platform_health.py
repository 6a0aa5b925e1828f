"""How the platform under test was: pods of its own that restarted or were not ready, and how busy the nodes were.

Evidence of a starved cluster, where the account may read it: a platform of another make has none of these pods, and
metrics need a metrics server. Nothing here ever fails a scenario.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.follow import Follower, Gap
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import NODE_METRICS, NODES, PODS
from conformance.kube.verbs import ApiStatus, Object, list_all
from conformance.recording.body import ChangeType
from conformance.recording.pod_bodies import NodeUsageBody, PlatformPodBody
from conformance.recording.writer import Recorder

SPACES: Final = ("knative-serving", "kourier-system", "istio-system", "envoy-gateway-system", "kserve")
"""Where Knative, its networking layers and KServe put themselves by their own manifests."""
USAGE_SECONDS: Final = 10.0
"""metrics-server measures every 15 s by default; asked more often, no measurement is missed."""


async def record_platform(recorder: Recorder, clock: Clock, api: ApiClient) -> None:
    """Write `platform_pod` and `node_usage` facts until cancelled."""
    async with asyncio.TaskGroup() as group:
        for space in SPACES:
            group.create_task(_follow(space, recorder, clock, api))
        group.create_task(_measure(recorder, clock, api))


async def _follow(space: str, recorder: Recorder, clock: Clock, api: ApiClient) -> None:
    known: dict[str, PlatformPodBody] = {}

    def change(kind: str, value: Object) -> None:
        body = replace(platform_pod(space, value), change=ChangeType(kind))
        before = known.get(body.name)
        if body.change is ChangeType.DELETED:
            known.pop(body.name, None)
        elif before is not None and replace(body, change=before.change) == before:
            return
        else:
            known[body.name] = body
        recorder.write(body)

    def unseen(_: Gap) -> None:
        return

    try:
        await Follower(api, PODS, space, clock, change, unseen).run()
    except (ApiStatus, PlatformError, ValueError):
        return


def platform_pod(space: str, value: Object) -> PlatformPodBody:
    """A pod of the platform. Raises WrongShapeError."""
    metadata, status = value.get("metadata") or {}, value.get("status") or {}
    statuses = status.get("containerStatuses") or ()
    ready = next((c.get("status") for c in status.get("conditions") or () if c.get("type") == "Ready"), "")
    name = str(metadata.get("name", ""))
    return PlatformPodBody(
        name=name,
        namespace=space,
        role=role(name),
        ready=ready == "True",
        deleting="deletionTimestamp" in metadata,
        restarts=sum(int(entry.get("restartCount") or 0) for entry in statuses),
    )


def role(name: str) -> str:
    """What a pod of the platform does, by its name in the projects' own manifests."""
    if "gateway" in name or name.startswith("envoy"):
        return "gateway"
    if name.startswith("autoscaler-hpa"):
        return "controller"
    return next((known for known in ("activator", "autoscaler") if name.startswith(known)), "controller")


async def _measure(recorder: Recorder, clock: Clock, api: ApiClient) -> None:
    try:
        nodes, _ = await list_all(api, NODES, None)
        cores = {str(node["metadata"]["name"]): _cpu(node["status"]["allocatable"]) for node in nodes}
        while True:
            for usage in (await list_all(api, NODE_METRICS, None))[0]:
                name = str(usage["metadata"]["name"])
                if cores.get(name):
                    recorder.write(NodeUsageBody(name, round(_cpu(usage["usage"]) / cores[name], 3)))
            await clock.sleep(USAGE_SECONDS)
    except (ApiStatus, PlatformError, ValueError, LookupError, TypeError):
        return


def _cpu(amounts: Mapping[str, object]) -> float:
    return quantity(str(amounts["cpu"]))
