"""Accelerators that are not there, advertised through node status: the scheduler counts them, nothing more happens.

Advertising an extended resource this way is a documented Kubernetes procedure. A kubelet that registers again forgets
them, so whoever advertises keeps looking. `clusters.gpu.fake_operator` does it with a device plugin instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from clusters.discovery.accelerators import EMULATED_LABEL
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resource_quantity import quantity
from conformance.kube.resources import NODES
from conformance.kube.verbs import list_all, merge

LOOK_SECONDS: Final = 5.0


def spread(nodes: list[dict[str, Any]], count: int) -> dict[str, int]:
    """Accelerators for each node that takes ordinary pods, as evenly as whole numbers allow, first nodes first.

    Raises PlatformError when no node takes pods."""
    names = sorted(node["metadata"]["name"] for node in nodes if _takes_pods(node))
    if not names:
        raise PlatformError("no node takes ordinary pods, so none can have accelerators")
    each, rest = divmod(count, len(names))
    return {name: each + (index < rest) for index, name in enumerate(names)}


def _takes_pods(node: Mapping[str, Any]) -> bool:
    spec = node.get("spec") or {}
    taints = spec.get("taints") or ()
    return not spec.get("unschedulable") and not any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in taints)


async def advertise(api: ApiClient, resource: str, wanted: Mapping[str, int]) -> tuple[str, ...]:
    """Bring nodes to what is wanted; returns the names of those that had to be changed."""
    nodes, _ = await list_all(api, NODES)
    changed = []
    for node in nodes:
        name = node["metadata"]["name"]
        if name not in wanted:
            continue
        if (node["metadata"].get("labels") or {}).get(EMULATED_LABEL) != "emulated":
            await merge(api, NODES, None, name, {"metadata": {"labels": {EMULATED_LABEL: "emulated"}}})
        status = node.get("status") or {}
        amounts = [(status.get(part) or {}).get(resource, "0") for part in ("capacity", "allocatable")]
        if any(quantity(amount) != wanted[name] for amount in amounts):
            entry = {resource: str(wanted[name])}
            patch = {"status": {"capacity": entry, "allocatable": entry}}
            await merge(api, NODES, None, name, patch, subresource="status")
            changed.append(name)
    return tuple(changed)


@asynccontextmanager
async def emulated(api: ApiClient, resource: str, count: int, clock: Clock) -> AsyncIterator[Mapping[str, int]]:
    """Accelerators for as long as the block lasts; gives how many each node has."""
    nodes, _ = await list_all(api, NODES)
    wanted = spread(nodes, count)
    await advertise(api, resource, wanted)
    keeper = asyncio.create_task(_keep(api, resource, wanted, clock))
    try:
        yield wanted
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(api: ApiClient, resource: str, wanted: Mapping[str, int], clock: Clock) -> None:
    while True:
        await clock.sleep(LOOK_SECONDS)
        # The API server's absence is for the scenarios to report; looking again is all there is to do here.
        with suppress(PlatformError):
            await advertise(api, resource, wanted)
