"""What is free on a cluster's nodes: allocatable less what the pods that are there ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from conformance.kube.api_client import ApiClient
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import NODES, PODS
from conformance.kube.verbs import ApiStatus, Object, list_all

REPELLING: Final = ("NoSchedule", "NoExecute")
FINISHED: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PodNeed:
    """What one pod asks of its node: cores, GiB. The default is the witness's 25 m and 64 MiB, queue-proxy's 25 m as
    shipped, and some 80 MiB that queue-proxy and the node take without asking."""

    cpu: float = 0.05
    memory_gib: float = 0.15


@dataclass(frozen=True, slots=True)
class NodeRoom:
    """A node that takes pods: what is free of it, and its cores."""

    name: str
    cpu: float
    memory_gib: float
    pods: int
    cores: float

    def takes(self, need: PodNeed) -> int:
        """Pods of this need that still fit."""
        by_cpu = int(self.cpu / need.cpu + 1e-9) if need.cpu else self.pods
        by_memory = int(self.memory_gib / need.memory_gib + 1e-9) if need.memory_gib else self.pods
        return max(0, min(self.pods, by_cpu, by_memory))


@dataclass(frozen=True, slots=True)
class Room:
    """All nodes that take pods."""

    nodes: tuple[NodeRoom, ...]
    shared_cores: float = math.inf
    """Cores of the one machine that all nodes run on, where they do: each of kind's nodes counts all of them."""

    @property
    def cores(self) -> float:
        """Cores of these nodes, free or not."""
        return min(self.shared_cores, sum(node.cores for node in self.nodes))

    def takes(self, need: PodNeed) -> int:
        """Pods of this need that still fit."""
        return sum(node.takes(need) for node in self.nodes)

    def words(self, need: PodNeed) -> str:
        """What is free, in figures."""
        cpu, memory = sum(node.cpu for node in self.nodes), sum(node.memory_gib for node in self.nodes)
        slots = sum(node.pods for node in self.nodes)
        return (
            f"{len(self.nodes)} nodes, free {cpu:.1f} CPU, {memory:.1f} GiB, {slots} pods: "
            f"room for {self.takes(need)} of {need.cpu * 1000:.0f} m CPU and {need.memory_gib * 1024:.0f} MiB"
        )


async def read_room(api: ApiClient) -> Room | None:
    """What is free now; None where nodes or the pods of all namespaces may not be listed."""
    try:
        nodes, _ = await list_all(api, NODES)
        pods, _ = await list_all(api, PODS)
    except ApiStatus:
        return None
    return room_of(nodes, pods) if nodes else None


def room_of(nodes: Iterable[Object], pods: Iterable[Object]) -> Room:
    """The room that these nodes have beside these pods."""
    used: dict[str, list[Object]] = {}
    for pod in pods:
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        if spec.get("nodeName") and status.get("phase") not in FINISHED:
            used.setdefault(str(spec["nodeName"]), []).append(spec)
    return Room(tuple(_room(node, used.get(node["metadata"]["name"], [])) for node in nodes if _takes_pods(node)))


def _takes_pods(node: Object) -> bool:
    spec = node.get("spec") or {}
    repels = any(taint.get("effect") in REPELLING for taint in spec.get("taints") or ())
    return not spec.get("unschedulable") and not repels


def _room(node: Object, specs: list[Object]) -> NodeRoom:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    cores = quantity(allocatable.get("cpu", "0"))
    return NodeRoom(
        name=node["metadata"]["name"],
        cpu=cores - sum(asked(spec, "cpu") for spec in specs),
        memory_gib=(quantity(allocatable.get("memory", "0")) - sum(asked(spec, "memory") for spec in specs)) / 2**30,
        pods=int(quantity(allocatable.get("pods", "110"))) - len(specs),
        cores=cores,
    )


def asked(spec: Object, resource: str) -> float:
    """What the containers of a pod request together."""
    found = (((entry.get("resources") or {}).get("requests") or {}) for entry in spec.get("containers") or ())
    return sum(quantity(requests[resource]) for requests in found if resource in requests)
