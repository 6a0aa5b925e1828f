"""Deployments of a user's own: history, pauses, and what is left when one goes."""

from __future__ import annotations

from typing import Any

from clusters.embedded.controllers.endpoint_slices import SLICES
from conformance.kube import resources
from conformance.kube.verbs import Object, create, delete, get, merge
from tests.embedded.virtual import SPACE, Scene, play

NUMBER = "deployment.kubernetes.io/revision"


def deployment(image: str = "web:1", replicas: int = 2) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}},
        },
    }


def use(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}}


async def change(scene: Scene, patch: dict[str, Any], seconds: float = 60.0) -> Object:
    await merge(scene.api, resources.DEPLOYMENTS, SPACE, "web", patch)
    await scene.clock.sleep(seconds)
    return await scene.get(resources.DEPLOYMENTS, "web")


async def numbers(scene: Scene) -> dict[str, str]:
    """Image of each ReplicaSet to its number."""
    return {
        entry["spec"]["template"]["spec"]["containers"][0]["image"]: entry["metadata"]["annotations"][NUMBER]
        for entry in await scene.listed(resources.REPLICA_SETS)
    }


def condition_of(value: Object, kind: str) -> tuple[str, str]:
    entry = next(c for c in value["status"]["conditions"] if c["type"] == kind)
    return entry["status"], entry["reason"]


def test_going_back_to_an_earlier_template_gives_it_the_next_number() -> None:
    async def story(scene: Scene) -> None:
        await create(scene.api, resources.DEPLOYMENTS, deployment(), SPACE)
        await change(scene, {})
        await change(scene, use("web:2"))
        assert await numbers(scene) == {"web:1": "1", "web:2": "2"}
        value = await change(scene, use("web:1"))
        assert await numbers(scene) == {"web:1": "3", "web:2": "2"}
        assert value["metadata"]["annotations"][NUMBER] == "3"
        images = {pod["spec"]["containers"][0]["image"] for pod in await scene.live_pods()}
        assert images == {"web:1"}

    play(story, witness=False)


def test_a_paused_deployment_keeps_its_pods_until_it_is_resumed() -> None:
    async def story(scene: Scene) -> None:
        await create(scene.api, resources.DEPLOYMENTS, deployment(), SPACE)
        await change(scene, {})
        paused = await change(scene, {"spec": {"paused": True, **use("web:2")["spec"]}})
        assert condition_of(paused, "Progressing") == ("Unknown", "DeploymentPaused")
        assert await numbers(scene) == {"web:1": "1"}
        scaled = await change(scene, {"spec": {"replicas": 3}})
        assert scaled["status"]["readyReplicas"] == 3
        resumed = await change(scene, {"spec": {"paused": None}})
        assert condition_of(resumed, "Progressing") == ("True", "NewReplicaSetAvailable")
        assert await numbers(scene) == {"web:1": "1", "web:2": "2"}
        assert resumed["status"]["updatedReplicas"] == 3

    play(story, witness=False)


def test_a_deployment_deleted_without_its_dependents_leaves_its_pods_running() -> None:
    async def story(scene: Scene) -> None:
        await create(scene.api, resources.DEPLOYMENTS, deployment(), SPACE)
        await change(scene, {})
        before = sorted(pod["metadata"]["uid"] for pod in await scene.live_pods())
        await delete(scene.api, resources.DEPLOYMENTS, SPACE, "web", propagation="Orphan")
        await scene.clock.sleep(30)
        assert await get(scene.api, resources.DEPLOYMENTS, SPACE, "web") is None
        (orphan,) = await scene.listed(resources.REPLICA_SETS)
        assert "ownerReferences" not in orphan["metadata"]
        assert sorted(pod["metadata"]["uid"] for pod in await scene.live_pods()) == before

    play(story, witness=False)


def test_a_controllers_pod_has_the_defaults_of_the_api_server() -> None:
    async def story(scene: Scene) -> None:
        await create(scene.api, resources.DEPLOYMENTS, deployment(replicas=1), SPACE)
        await change(scene, {})
        (pod,) = await scene.live_pods()
        spec = pod["spec"]
        assert (spec["restartPolicy"], spec["dnsPolicy"], spec["securityContext"]) == ("Always", "ClusterFirst", {})
        assert (spec["schedulerName"], spec["serviceAccountName"]) == ("default-scheduler", "default")
        assert pod["status"]["qosClass"] == "BestEffort"
        assert {entry["key"] for entry in spec["tolerations"]} == {
            "node.kubernetes.io/not-ready",
            "node.kubernetes.io/unreachable",
        }

    play(story, witness=False)


def test_a_service_lists_the_pods_behind_it_while_they_are_ready() -> None:
    async def story(scene: Scene) -> None:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": SPACE},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
        }
        await create(scene.api, resources.SERVICES, service, SPACE)
        await create(scene.api, resources.DEPLOYMENTS, deployment(), SPACE)
        await change(scene, {}, 20.0)
        (found,) = await scene.listed(SLICES)
        assert found["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
        addresses = {entry["addresses"][0] for entry in found["endpoints"] if entry["conditions"]["ready"]}
        assert addresses == {pod["status"]["podIP"] for pod in await scene.live_pods()}
        await change(scene, {"spec": {"replicas": 0}}, 20.0)
        assert (await scene.listed(SLICES))[0]["endpoints"] == []
        await delete(scene.api, resources.SERVICES, SPACE, "web")
        await scene.clock.sleep(1)
        assert await scene.listed(SLICES) == []

    play(story, witness=False)


def test_a_deployment_deleted_in_the_foreground_outlives_its_last_pod() -> None:
    async def story(scene: Scene) -> None:
        await create(scene.api, resources.DEPLOYMENTS, deployment(), SPACE)
        await change(scene, {}, 20.0)
        gone: list[str] = []
        kinds = {"pods", "replicasets", "deployments"}
        scene.platform.store.listen(
            lambda entry: (
                gone.append(entry.storage[1]) if entry.type == "DELETED" and entry.storage[1] in kinds else None
            )
        )
        await delete(scene.api, resources.DEPLOYMENTS, SPACE, "web", propagation="Foreground")
        assert await get(scene.api, resources.DEPLOYMENTS, SPACE, "web") is not None
        await scene.clock.sleep(30)
        assert gone == ["pods", "pods", "replicasets", "deployments"]

    play(story, witness=False)
