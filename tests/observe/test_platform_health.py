"""What is seen of the platform itself: its own pods, and how busy its nodes are."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from clusters.embedded.api.request import User
from conformance.base.clock import run_virtual
from conformance.kube import resources
from conformance.kube.in_process_client import InProcessClient
from conformance.kube.verbs import create, delete
from conformance.observe.platform_health import USAGE_SECONDS, record_platform, role
from conformance.recording.body import Body, ChangeType
from conformance.recording.pod_bodies import NodeUsageBody, PlatformPodBody
from conformance.recording.reader import Recording
from conformance.recording.writer import Header, Recorder
from tests.embedded.virtual import Scene, scene

SPACE = "kourier-system"
GATEWAY = "3scale-kourier-gateway-7d8f-x1"


def header() -> Header:
    return Header("s", "run", 1, "virtual", 0.0, 1_767_225_600.0, "0", "embedded", {})


async def status(story: Scene, ready: bool, restarts: int) -> None:
    """What a kubelet reports of the gateway."""
    body = {
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"name": "gateway", "ready": ready, "restartCount": restarts}],
        }
    }
    path = resources.PODS.path(SPACE, GATEWAY, "status")
    kind = "application/merge-patch+json"
    answer = await story.api.request("PATCH", path, body=json.dumps(body).encode(), content_type=kind)
    assert answer.status == 200, answer.body
    await story.clock.sleep(1.0)


def facts(folder: Path, story: Any) -> list[Body]:
    """What was recorded of a platform while the story was told."""

    async def main() -> None:
        async with scene() as place:
            with Recorder(folder, header(), place.clock) as recorder:
                watching = asyncio.create_task(record_platform(recorder, place.clock, place.api))
                await story(place)
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    run_virtual(main())
    return [fact.body for fact in Recording(folder).facts()]


async def gateway_restarts(place: Scene) -> None:
    meta = {"name": GATEWAY, "namespace": SPACE}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    await create(place.api, resources.NAMESPACES, space)
    spec = {"nodeName": "elsewhere", "containers": [{"name": "gateway", "image": "envoy"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    await create(place.api, resources.PODS, pod, SPACE)
    await status(place, True, 0)
    await status(place, True, 0)
    await status(place, False, 1)
    await status(place, True, 1)
    await delete(place.api, resources.PODS, SPACE, GATEWAY)
    await place.clock.sleep(1.0)


def test_a_gateway_that_restarts_is_recorded_change_by_change(tmp_path: Path) -> None:
    seen = [body for body in facts(tmp_path / "r", gateway_restarts) if isinstance(body, PlatformPodBody)]
    assert {(body.name, body.namespace, body.role) for body in seen} == {(GATEWAY, SPACE, "gateway")}
    course = iter([(body.ready, body.restarts) for body in seen if not body.deleting])
    assert all(step in course for step in [(True, 0), (False, 1), (True, 1)])
    assert seen[-1].change is ChangeType.DELETED or seen[-1].deleting


async def two_polls(place: Scene) -> None:
    await place.clock.sleep(1.5 * USAGE_SECONDS)


def test_nodes_say_how_busy_they_are(tmp_path: Path) -> None:
    seen = [body for body in facts(tmp_path / "r", two_polls) if isinstance(body, NodeUsageBody)]
    assert len(seen) == 2 * len({body.node for body in seen}) > 0
    assert all(0.0 <= body.cpu_share <= 1.0 for body in seen)


def test_what_may_not_be_read_is_left_out(tmp_path: Path) -> None:
    async def stranger(place: Scene) -> None:
        place.platform.tokens.add("nobody", User("nobody", (), "uid"))
        api = InProcessClient(place.platform.app, "nobody")
        with Recorder(tmp_path / "other", header(), place.clock) as recorder:
            await record_platform(recorder, place.clock, api)

    facts(tmp_path / "r", stranger)
    assert list(Recording(tmp_path / "other").facts()) == []


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("activator-6f9-abc", "activator"),
        ("autoscaler-6f9-abc", "autoscaler"),
        ("autoscaler-hpa-6f9-abc", "controller"),
        ("istio-ingressgateway-1", "gateway"),
        ("envoy-default-eg-1", "gateway"),
        ("webhook-1", "controller"),
    ],
)
def test_parts_are_known_by_the_names_of_the_projects_own_manifests(name: str, what: str) -> None:
    assert role(name) == what
