"""Real clients against the served API: kubectl, the official client in its three forms, and lightkube."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from clusters.embedded.api import bootstrap, tls_server
from clusters.embedded.api.asgi import create_app
from clusters.embedded.api.auth import ADMIN, Tokens
from clusters.embedded.api.store import Store
from clusters.embedded.install import custom_kinds
from conformance.base.clock import RealClock
from conformance.kube.resources import DEPLOYMENTS, INFERENCE_SERVICES, PODS, REPLICA_SETS
from tests.embedded.api.server import inference_service

pytestmark = pytest.mark.smoke

KUBECTL = Path(sys.executable).parent / "kubectl"


@dataclass(frozen=True, slots=True)
class Served:
    """A server on a loopback port."""

    store: Store
    kubeconfig: Path


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Served]:
    store = Store(RealClock(), random.Random(3))
    bootstrap.install(store, custom_kinds.definitions())
    tokens = Tokens()
    tokens.add("smoke", ADMIN)
    identity = tls_server.Identity.create(folder)
    async with tls_server.serve(create_app(store, tokens), identity) as address:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_bytes(tls_server.kubeconfig(address, identity.authority_pem, "smoke"))
        yield Served(store, kubeconfig)


class Session:
    """kubectl commands one after the other."""

    def __init__(self, server: Served, folder: Path) -> None:
        self.server = server
        self.folder = folder

    async def run(self, *arguments: str, expect: int = 0) -> str:
        """Output of a command that must end with this code."""
        command = [str(KUBECTL), "--cache-dir", str(self.folder / "cache"), *arguments]
        environment = {"KUBECONFIG": str(self.server.kubeconfig), "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
        )
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
        assert process.returncode == expect, f"{arguments}: {out.decode()}"
        return out.decode()

    async def follow(self, *arguments: str, lines: int) -> list[str]:
        """The first lines of a command that goes on."""
        command = [str(KUBECTL), "--cache-dir", str(self.folder / "cache"), *arguments]
        environment = {"KUBECONFIG": str(self.server.kubeconfig), "HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                return [(await process.stdout.readline()).decode() for _ in range(lines)]
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.skipif(not KUBECTL.exists() and shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.timeout(180)
async def test_a_kubectl_session_works_as_on_a_cluster(tmp_path: Path) -> None:
    manifest = tmp_path / "service.json"
    manifest.write_text(json.dumps(inference_service("flowers", minReplicas=1)))
    async with served(tmp_path) as server:
        kubectl = Session(server, tmp_path)
        assert "created" in await kubectl.run("apply", "-f", str(manifest))
        assert "unchanged" in await kubectl.run("apply", "-f", str(manifest))
        assert "serverside-applied" in await kubectl.run(
            "apply", "--server-side", "--force-conflicts", "-f", str(manifest)
        )
        assert "flowers" in await kubectl.run("get", "isvc,ksvc,revision,podautoscaler,pods", "-A")
        assert "Scale Metric" not in await kubectl.run("describe", "isvc", "flowers")
        assert "patched" in await kubectl.run(
            "patch", "isvc", "flowers", "--type=merge", "-p", '{"spec":{"predictor":{"minReplicas":2}}}'
        )
        assert "strategic-merge-patch+json is not supported" in await kubectl.run(
            "patch", "isvc", "flowers", "-p", "{}", expect=1
        )
        assert "labeled" in await kubectl.run("label", "isvc", "flowers", "a=b")
        assert "condition met" in await kubectl.run(
            "wait", "isvc", "flowers", "--for=jsonpath={.spec.predictor.minReplicas}=2", "--timeout=10s"
        )
        assert "minReplicas" in await kubectl.run("explain", "isvc.spec.predictor.minReplicas")
        assert "inferenceservices" in await kubectl.run("api-resources", "--api-group=serving.kserve.io")
        assert (await kubectl.run("auth", "can-i", "create", "pods")).strip() == "yes"
        assert "created" in await kubectl.run("create", "deployment", "web", "--image=web:1")
        assert "scaled" in await kubectl.run("scale", "deploy", "web", "--replicas=0")
        await _settle(server.store)
        assert "successfully rolled out" in await kubectl.run("rollout", "status", "deploy", "web", "--timeout=10s")
        assert "autoscaled" in await kubectl.run("autoscale", "deploy", "web", "--max=3")
        assert "created" in await kubectl.run("create", "namespace", "other")
        assert "created" in await kubectl.run("create", "cm", "settings", "--from-literal=a=b")
        server.store.create(PODS, {"metadata": {"name": "p"}, "spec": {"containers": []}}, namespace="default")
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(kubectl.follow("get", "pods", "-w", "--no-headers", lines=2))
            await asyncio.sleep(2)
            server.store.patch_status(PODS, "default", "p", {"phase": "Running"})
        assert [line.split()[0] for line in watching.result()] == ["p", "p"]
        refused = await kubectl.run("exec", "p", "--", "true", expect=1)
        assert "error" in refused.lower()
        assert "deleted" in await kubectl.run("delete", "isvc", "flowers")
        assert "NotFound" in await kubectl.run("get", "isvc", "flowers", expect=1)


async def _settle(store: Store) -> None:
    """What a deployment controller would report."""
    held = store.get(DEPLOYMENTS, "default", "web")
    assert held is not None
    store.patch_status(DEPLOYMENTS, "default", "web", {"observedGeneration": held["metadata"]["generation"]})
    assert store.list(REPLICA_SETS) == []


@pytest.mark.timeout(120)
async def test_the_official_client_works_in_all_its_forms(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await asyncio.to_thread(_official, server.kubeconfig)
        await _official_aio(server.kubeconfig)
        assert server.store.list(INFERENCE_SERVICES) == []


def _official(kubeconfig: Path) -> None:
    from kubernetes import client, config, dynamic, watch

    api = config.new_client_from_config(str(kubeconfig))
    custom = client.CustomObjectsApi(api)
    place = ("serving.kserve.io", "v1beta1", "default", "inferenceservices")
    custom.create_namespaced_custom_object(*place, inference_service("sync"))
    with pytest.raises(client.ApiException) as refused:
        custom.create_namespaced_custom_object(*place, inference_service("bad", scaleMetric="qps"))
    assert refused.value.status == 422
    stream = watch.Watch().stream(custom.list_namespaced_custom_object, *place, timeout_seconds=1)
    assert [event["object"]["metadata"]["name"] for event in stream] == ["sync"]
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="m")))
    assert [item.metadata.name for item in core.list_namespaced_config_map("default").items] == ["m"]
    custom.delete_namespaced_custom_object(*place, "sync")
    services = dynamic.DynamicClient(api).resources.get(
        api_version="serving.kserve.io/v1beta1", kind="InferenceService"
    )
    applied = services.server_side_apply(inference_service("dynamic"), field_manager="test", namespace="default")
    assert applied.metadata.managedFields[0].operation == "Apply"
    services.delete(name="dynamic", namespace="default")
    api.close()


async def _official_aio(kubeconfig: Path) -> None:
    from kubernetes.aio import client, config

    api = await config.new_client_from_config(str(kubeconfig))
    try:
        custom = client.CustomObjectsApi(api)
        place = ("serving.kserve.io", "v1beta1", "default", "inferenceservices")
        await custom.create_namespaced_custom_object(*place, inference_service("aio"))
        listed = await custom.list_namespaced_custom_object(*place)
        assert [item["metadata"]["name"] for item in listed["items"]] == ["aio"]
        await custom.delete_namespaced_custom_object(*place, "aio")
    finally:
        await api.close()


@pytest.mark.timeout(60)
async def test_lightkube_creates_reads_and_deletes(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        await asyncio.to_thread(_lightkube, server.kubeconfig)


def _lightkube(kubeconfig: Path) -> None:
    from lightkube import Client, KubeConfig
    from lightkube.generic_resource import create_namespaced_resource
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import ConfigMap

    client = Client(config=KubeConfig.from_file(str(kubeconfig)), namespace="default")
    client.create(ConfigMap(metadata=ObjectMeta(name="m"), data={"a": "b"}))
    assert client.get(ConfigMap, "m").data == {"a": "b"}
    kind = create_namespaced_resource("serving.kserve.io", "v1beta1", "InferenceService", "inferenceservices")
    client.create(kind.from_dict(inference_service("light")))
    assert [item.metadata.name for item in client.list(kind) if item.metadata is not None] == ["light"]
    client.delete(kind, "light")
    client._client._client.close()
