"""fake-gpu-operator: a device plugin without devices, so that the kubelet allocates what it advertises.

It needs its chart and images and so the internet or a mirror; node status patches need neither and are the default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from clusters.discovery.accelerators import offered
from clusters.process import find, run
from clusters.versions import device_plugin
from conformance.base.clock import Clock
from conformance.base.errors import UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import NODES
from conformance.kube.verbs import list_all, merge

POOL_LABEL: Final = "run.ai/simulated-gpu-node-pool"
NAMESPACE: Final = "gpu-operator"


async def install_fake_operator(
    api: ApiClient, resource: str, count: int, clock: Clock, within: float, kubeconfig: Path
) -> int:
    """Install its chart with helm, `count` accelerators in all; returns how many there are then.

    Raises UsageError without helm or for another resource than nvidia.com/gpu, PlatformError when they fail to
    appear."""
    if resource != "nvidia.com/gpu":
        raise UsageError(f"fake-gpu-operator emulates nvidia.com/gpu, not {resource}; use emulation node-status")
    helm = find("helm", "HELM", os.environ)
    if helm is None:
        raise UsageError("emulation fake-gpu-operator needs helm, set HELM or put it on PATH; or use node-status")
    nodes = await _pool(api)
    chart, version = device_plugin("fake-gpu-operator")
    each = -(-count // len(nodes))
    argv = [helm, "upgrade", "--install", "gpu-operator", chart, "--version", version, "--namespace", NAMESPACE]
    argv += ["--create-namespace", "--kubeconfig", str(kubeconfig)]
    argv += ["--set", f"topology.nodePools.default.gpuCount={each}", "--wait", "--timeout", f"{within:.0f}s"]
    await run(argv, within=within + 10)
    return await offered(api, resource, count, clock, within)


async def _pool(api: ApiClient) -> list[str]:
    """Nodes of the simulated pool: those that have its label, else all but control planes get it."""
    nodes, _ = await list_all(api, NODES)
    labels = {node["metadata"]["name"]: node["metadata"].get("labels") or {} for node in nodes}
    members = sorted(name for name, own in labels.items() if POOL_LABEL in own)
    if members:
        return members
    workers = sorted(name for name, own in labels.items() if "node-role.kubernetes.io/control-plane" not in own)
    for name in workers or sorted(labels):
        await merge(api, NODES, None, name, {"metadata": {"labels": {POOL_LABEL: "default"}}})
    return workers or sorted(labels)
