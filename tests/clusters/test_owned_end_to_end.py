"""kind and k3s from beginning to end: the tools are stand-ins, the API server is the embedded platform's, reached only
by the kubeconfig that the tools hand out."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from clusters import versions
from clusters.discovery.accelerators import EMULATED_LABEL
from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.images.container_cli import ContainerCli
from clusters.install.manifests import file_name
from clusters.k3s.k3s_provider import K3sProvider
from clusters.kind.cli import KindCli
from clusters.kind.kind_provider import OWNER, OWNER_LABEL, KindProvider
from clusters.provisioning.gateway_port import NODE_PORT
from conformance.base.announcements import announcements
from conformance.base.clock import RealClock
from conformance.base.errors import UsageError
from conformance.kube.cluster import Cluster
from conformance.kube.resources import CONFIG_MAPS, NAMESPACES, NODES, SERVICES, STORAGE_CONTAINERS
from conformance.kube.verbs import get, list_all, merge
from conformance.settings.settings import Accelerator, Install, Settings
from tests.clusters.stand_in import StandIn, stand_in
from tests.clusters.test_registry import Container

pytestmark = [pytest.mark.smoke, pytest.mark.long]

NAME = "serving-conformance"
GATEWAY = """
kind: Namespace
apiVersion: v1
metadata: {name: kourier-system}
---
kind: Service
apiVersion: v1
metadata: {name: kourier, namespace: kourier-system}
spec: {type: LoadBalancer, ports: [{name: http2, port: 80, targetPort: 8080}, {name: https, port: 443}]}
"""
NOTHING = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: installed, namespace: default}\n"


def manifests(folder: Path) -> str:
    """A folder of copies in which only the gateway is more than a mark."""
    folder.mkdir()
    for step in versions.steps(versions.row("0.20"), "kourier"):
        for url in step.manifests:
            text = GATEWAY if step.name == "kourier" else NOTHING
            (folder / file_name(url)).write_text(text, encoding="utf-8")
    return str(folder)


def kubeconfig_of(cluster: Cluster) -> str:
    assert cluster.kubeconfig is not None
    return Path(cluster.kubeconfig).read_text(encoding="utf-8")


@asynccontextmanager
async def machine(
    tmp_path: Path, *, ours: bool = True
) -> AsyncIterator[tuple[Cluster, ContainerCli, StandIn, Install]]:
    """An API server, and a docker and settings that fit it."""
    async with EmbeddedProvider(clock=RealClock(), seed=2, options=PlatformOptions(gpus=0)).open() as cluster:
        nodes, _ = await list_all(cluster.api, NODES)
        if ours:
            for node in nodes:
                label = {"metadata": {"labels": {OWNER_LABEL: OWNER}}}
                await merge(cluster.api, NODES, None, node["metadata"]["name"], label)
        docker = stand_in(tmp_path, "docker").answer("info", out="28.2.2\n").answer("exec").answer("tag")
        docker.answer("push").answer("image inspect --format {{.Id}}", out="sha256:1")
        digests = [f"127.0.0.1:32768/{name}@sha256:ab" for name in (f"{NAME}/witness", "kserve/image-transformer")]
        docker.answer("image inspect --format {{json .RepoDigests}}", out=json.dumps(digests))
        docker.answer("port mirror-1", out="0.0.0.0:32768\n[::]:32768\n")
        docker.answer("port", out=f"{cluster.ingress.address}\n")
        install = Install(manifests=manifests(tmp_path / "manifests"), lock=str(tmp_path / "lock.yaml"))
        yield cluster, ContainerCli(docker.path), docker, install


async def test_kind_from_creation_to_deletion(tmp_path: Path) -> None:
    async with machine(tmp_path) as (embedded, cli, docker, install):
        kubeconfig = kubeconfig_of(embedded)
        kind = stand_in(tmp_path, "kind").answer("version", out="kind v0.33.0 go1.25.0 linux/amd64\n")
        kind.answer("get clusters", err="No kind clusters found.\n")
        kind.answer("create cluster", files={"--kubeconfig": kubeconfig})
        kind.answer("get nodes", out="c-control-plane\nc-worker\n", once=True).answer("get nodes").answer("delete")
        settings = Settings(cluster="kind", gpu="emulated", install=install, accelerator=Accelerator(count=3))
        container = Container()
        provider = KindProvider(
            settings, RealClock(), kind=KindCli(kind.path), docker=cli, make_registry=lambda: container
        )
        said: list[str] = []
        with announcements(said.append):
            async with provider.open() as cluster:
                assert cluster.witness_image == f"docker.io/{NAME}/witness@sha256:ab"
                assert cluster.ingress.address == embedded.ingress.address
                assert cluster.disposable
                assert await get(cluster.api, NAMESPACES, None, "kserve") is not None
                assert cluster.notes[0] == "kind v0.33.0 is used, this suite is written for v0.30.0"
                assert cluster.installation.network_layer == "kourier"
                assert cluster.installation.accelerator_kind == "emulated"
                assert sum(node.accelerators for node in cluster.installation.nodes) == 3
                ingress = await get(cluster.api, CONFIG_MAPS, "kserve", "inferenceservice-config")
                assert ingress is not None
                assert json.loads(ingress["data"]["ingress"])["disableIstioVirtualHost"] is True
                service = await get(cluster.api, SERVICES, "kourier-system", "kourier")
                assert service is not None
                assert service["spec"]["ports"][0]["nodePort"] == 31080
                shipped = await get(cluster.api, STORAGE_CONTAINERS, None, "default")
                assert shipped is None or shipped["disabled"] is True
                assert await get(cluster.api, STORAGE_CONTAINERS, None, "conformance-storage")
                nodes, _ = await list_all(cluster.api, NODES)
                assert any(node["metadata"]["labels"].get(EMULATED_LABEL) == "emulated" for node in nodes)
        hosts = [entry["stdin"] for entry in docker.entries if "--interactive" in entry["argv"]]
        assert len(hosts) == 2
        assert all('[host."http://mirror-1:5000"]' in text for text in hosts)
        assert ("with_kwargs", {"network": "kind"}) in container.calls
        assert any(call.startswith(f"delete cluster --name {NAME} --kubeconfig ") for call in kind.calls)
        assert container.calls[-1] == ("stop", ())
        seconds = re.compile(r"[ :]+\d+\.\d s$")
        assert [seconds.sub("", line) for line in said if seconds.search(line)] == [
            f"creating kind cluster {NAME} from kindest/node:v1.34.0",
            "pushing the witness to the registry beside the nodes",
            "waiting for all nodes",
            *(f"installed {step.name}" for step in versions.steps(versions.row("0.20"), "kourier")),
            f"deleting kind cluster {NAME}",
        ]


async def test_a_reused_kind_cluster_is_not_installed_twice_and_a_foreign_one_is_refused(tmp_path: Path) -> None:
    async with machine(tmp_path, ours=False) as (embedded, cli, docker, install):
        kubeconfig = kubeconfig_of(embedded)
        kind = stand_in(tmp_path, "kind").answer("version", out="kind v0.30.0 go1.24.6 linux/amd64\n")
        kind.answer("get clusters", out=f"{NAME}\n").answer("get kubeconfig", out=kubeconfig)
        provider = KindProvider(
            Settings(cluster="kind", install=install), RealClock(), kind=KindCli(kind.path), docker=cli
        )
        with pytest.raises(UsageError, match="that this suite did not make is there"):
            async with provider.open():
                pass
        assert docker.calls == ["info --format {{.ServerVersion}}"]
        assert not any(call.startswith(("delete", "load", "export")) for call in kind.calls)
        nodes, _ = await list_all(embedded.api, NODES)
        assert not any(EMULATED_LABEL in (node["metadata"].get("labels") or {}) for node in nodes)


async def test_k3s_by_testcontainers(tmp_path: Path) -> None:
    async with machine(tmp_path) as (embedded, cli, docker, install):
        host, port = embedded.ingress.address.split(":")
        server = Container(host=host, ports={NODE_PORT: port}, kubeconfig=kubeconfig_of(embedded))
        network = SimpleNamespace(name="net", __enter__=lambda: None, __exit__=lambda *_: None)
        factory = SimpleNamespace(network=lambda: network, registry=Container, server=lambda _: server)
        settings = Settings(cluster="k3s", gpu="none", install=install)
        async with K3sProvider(settings, RealClock(), factory=factory, docker=cli).open() as cluster:
            assert cluster.provider == "k3s"
            assert cluster.disposable
            assert cluster.ingress.address == embedded.ingress.address
            assert cluster.witness_image.endswith("@sha256:ab")
            mark = await get(cluster.api, CONFIG_MAPS, "kube-system", "serving-conformance")
            assert mark is not None
            assert mark["data"] == {"installed": "0.20/kourier"}
        assert server.calls[-1] == ("stop", ())
        assert docker.calls[0] == "info --format {{.ServerVersion}}"
