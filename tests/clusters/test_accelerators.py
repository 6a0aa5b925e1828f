import asyncio
from pathlib import Path
from typing import Any

import pytest

from clusters.discovery.accelerators import EMULATED_LABEL
from clusters.gpu.emulated import advertise, emulated, spread
from clusters.gpu.fake_operator import install_fake_operator
from clusters.gpu.real import NODE_COMMANDS, install_plugin, prepare_node
from clusters.images.container_cli import ContainerCli
from clusters.install.installer import Installer
from clusters.install.manifests import Manifests
from clusters.versions import device_plugin
from conformance.base.clock import run_virtual, virtual_clock
from conformance.base.errors import PlatformError, UsageError
from tests.clusters.canned import Canned, node
from tests.clusters.stand_in import stand_in

TAINT = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
RESOURCE = "nvidia.com/gpu"


def amounts(server: Canned, name: str) -> tuple[str | None, str | None]:
    status = server.get("Node", name)["status"]
    return status["capacity"].get(RESOURCE), status["allocatable"].get(RESOURCE)


def test_accelerators_are_spread_over_nodes_that_take_pods() -> None:
    nodes = [node("b"), node("a"), node("control", taints=TAINT), node("off", unschedulable=True)]
    assert spread(nodes, 5) == {"a": 3, "b": 2}
    with pytest.raises(PlatformError, match="no node takes ordinary pods"):
        spread([node("control", taints=TAINT)], 1)


async def test_nodes_are_brought_to_what_is_wanted_and_marked_as_emulated() -> None:
    server = Canned([node("a"), node("b")])
    assert await advertise(server.api, RESOURCE, {"a": 2, "b": 1}) == ("a", "b")
    assert amounts(server, "a") == ("2", "2")
    assert server.get("Node", "b")["metadata"]["labels"] == {EMULATED_LABEL: "emulated"}
    paths = [path for _, path, _ in server.log]
    assert paths == ["/api/v1/nodes/a", "/api/v1/nodes/a/status", "/api/v1/nodes/b", "/api/v1/nodes/b/status"]
    assert await advertise(server.api, RESOURCE, {"a": 2, "b": 1}) == ()


def test_what_a_kubelet_forgets_is_advertised_again() -> None:
    async def main() -> None:
        server = Canned([node("a")])
        async with emulated(server.api, RESOURCE, 4, virtual_clock()) as wanted:
            assert wanted == {"a": 4}
            server.get("Node", "a")["status"] = {"capacity": {}, "allocatable": {}}
            await asyncio.sleep(11)
            assert amounts(server, "a") == ("4", "4")
            server.forbidden = {"/api/v1/nodes"}
            await asyncio.sleep(11)
        server.forbidden = set()
        server.get("Node", "a")["status"] = {"capacity": {}, "allocatable": {}}
        await asyncio.sleep(11)
        assert amounts(server, "a") == (None, None)

    run_virtual(main())


async def test_a_kind_node_gets_the_container_toolkit_step_by_step(tmp_path: Path) -> None:
    docker = stand_in(tmp_path, "docker").answer("exec")
    await prepare_node(ContainerCli(docker.path), "worker")
    assert len(docker.calls) == len(NODE_COMMANDS)
    copied = [entry for entry in docker.entries if "--interactive" in entry["argv"]]
    assert [entry["argv"][:4] for entry in copied] == [["exec", "--interactive", "worker", "cp"]]
    assert copied[0]["stdin"].startswith("deb [signed-by=/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg]")
    assert docker.calls[-1] == "exec worker systemctl restart containerd"


def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Manifests:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    async def fetch(_: str) -> bytes:
        return b"{kind: DaemonSet, apiVersion: apps/v1, metadata: {name: plugin, namespace: kube-system}}"

    return Manifests(folder=None, lock=tmp_path / "lock", known={}, fetch=fetch)


@pytest.mark.parametrize("works", [True, False])
def test_a_device_plugin_counts_when_nodes_offer_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    manifests = plugin(tmp_path, monkeypatch)
    server = Canned([node("a")])

    def serve(value: dict[str, Any]) -> None:
        if value["kind"] == "DaemonSet" and works:
            server.get("Node", "a")["status"]["allocatable"][RESOURCE] = "2"

    server.on_change = serve

    async def main() -> int:
        clock = virtual_clock()
        installer = Installer(server.api, manifests, clock, within=20)
        return await install_plugin(server.api, installer, manifests, RESOURCE, clock, 20)

    if works:
        assert run_virtual(main()) == 2
    else:
        with pytest.raises(PlatformError, match=r"nodes offer 0 nvidia\.com/gpu, 1 are wanted; see docs/clusters\.md"):
            run_virtual(main())


async def test_fake_gpu_operator_is_installed_by_helm_for_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helm = stand_in(tmp_path, "helm").answer("upgrade", out='Release "gpu-operator" has been upgraded.\n')
    monkeypatch.setenv("HELM", helm.path)
    server = Canned([node("a", "4"), node("b", "4"), node("c", labels={"node-role.kubernetes.io/control-plane": ""})])
    from conformance.base.clock import RealClock

    count = await install_fake_operator(server.api, RESOURCE, 7, RealClock(), 5, tmp_path / "kc")
    assert count == 8
    chart, version = device_plugin("fake-gpu-operator")
    assert helm.calls == [
        f"upgrade --install gpu-operator {chart} --version {version} --namespace gpu-operator --create-namespace "
        f"--kubeconfig {tmp_path / 'kc'} --set topology.nodePools.default.gpuCount=4 --wait --timeout 5s"
    ]
    assert server.get("Node", "a")["metadata"]["labels"] == {"run.ai/simulated-gpu-node-pool": "default"}
    assert "run.ai/simulated-gpu-node-pool" not in server.get("Node", "c")["metadata"]["labels"]


async def test_fake_gpu_operator_needs_helm_and_nvidias_resource(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conformance.base.clock import RealClock

    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("HELM", raising=False)
    server = Canned([node("a")])
    with pytest.raises(UsageError, match="needs helm, set HELM"):
        await install_fake_operator(server.api, RESOURCE, 1, RealClock(), 5, tmp_path)
    with pytest.raises(UsageError, match=r"emulates nvidia\.com/gpu, not amd\.com/gpu"):
        await install_fake_operator(server.api, "amd.com/gpu", 1, RealClock(), 5, tmp_path)
