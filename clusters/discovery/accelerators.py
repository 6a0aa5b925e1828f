"""Whether accelerators are real: any sign of emulation decides, and without evidence nothing counts as real."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from clusters.install.conditions import until
from conformance.base.clock import Clock
from conformance.kube.api_client import ApiClient
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import NODES
from conformance.kube.verbs import list_all

EMULATED_LABEL: Final = "conformance.serving/accelerators"
"""On nodes whose accelerators the suite made up, with value `emulated`."""

_EMULATORS: Final = ("run.ai/simulated-gpu-node-pool", "kwok.x-k8s.io/node")
"""Labels and annotations of others' emulations; these also copy the real operators' labels, so they are asked first."""

_EVIDENCE: Final = (
    "nvidia.com/gpu.present",
    "nvidia.com/gpu.product",
    "amd.com/gpu.device-id",
    "amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "feature.node.kubernetes.io/pci-10de.present",
    "feature.node.kubernetes.io/pci-1002.present",
)
"""Labels that device discovery puts on nodes with a device."""


_PRODUCTS: Final = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "cloud.google.com/gke-accelerator")


def accelerator_kind(nodes: Iterable[dict[str, Any]], resource: str, said: str | None = None) -> str:
    """real, emulated or none. `said` is the user's word; `real` is believed only where nothing shows an emulation."""
    having = [node for node in nodes if quantity((node["status"].get("allocatable") or {}).get(resource, "0")) > 0]
    if not having or said == "none":
        return "none"
    marks = [_marks(node) for node in having]
    if said == "emulated" or any(EMULATED_LABEL in mark or mark & set(_EMULATORS) for mark in marks):
        return "emulated"
    if said == "real" or all(mark & set(_EVIDENCE) for mark in marks):
        return "real"
    return "emulated"


def accelerator_model(nodes: Iterable[dict[str, Any]]) -> str | None:
    """The product that device discovery labelled nodes with; all of them, when they differ."""
    labels = [node["metadata"].get("labels") or {} for node in nodes]
    found = {own[name] for own in labels for name in _PRODUCTS if name in own}
    return ", ".join(sorted(found)) or None


async def offered(api: ApiClient, resource: str, least: int, clock: Clock, within: float) -> int:
    """Wait until nodes offer so many accelerators; returns how many there are. Raises PlatformError."""

    async def lacking() -> str | None:
        found = await _count(api, resource)
        return None if found >= least else f"nodes offer {found} {resource}, {least} are wanted; see docs/clusters.md"

    await until("device plugin", lacking, clock, within)
    return await _count(api, resource)


async def _count(api: ApiClient, resource: str) -> int:
    nodes, _ = await list_all(api, NODES)
    offers = [(node.get("status") or {}).get("allocatable") or {} for node in nodes]
    return sum(int(quantity(offer.get(resource, "0"))) for offer in offers)


def _marks(node: dict[str, Any]) -> set[str]:
    metadata = node["metadata"]
    return {*(metadata.get("labels") or {}), *(metadata.get("annotations") or {})}
