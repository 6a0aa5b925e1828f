"""What pods ask of nodes and what nodes have to give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from conformance.kube.resource_quantity import quantity

Object = dict[str, Any]
Amounts = dict[str, float]

PODS: Final = "pods"


def reserved(container: Object) -> Amounts:
    """Requests of one container; a limit stands in for a request that is missing."""
    resources = container.get("resources") or {}
    texts = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: quantity(str(text)) for name, text in texts.items()}


def _limit(container: Object, name: str) -> float:
    return quantity(str(((container.get("resources") or {}).get("limits") or {}).get(name, 0)))


def requested_amounts(pod: Object) -> Amounts:
    """Amounts a pod reserves: all containers together, or the largest init container, and one pod."""
    spec = pod["spec"]
    total: Amounts = {}
    for container in spec.get("containers") or ():
        for name, amount in reserved(container).items():
            total[name] = total.get(name, 0.0) + amount
    for container in spec.get("initContainers") or ():
        for name, amount in reserved(container).items():
            total[name] = max(total.get(name, 0.0), amount)
    return {**total, PODS: 1.0}


def devices(pod: Object, resource: str) -> int:
    """Accelerators a pod asks for."""
    return int(sum(_limit(container, resource) for container in pod["spec"].get("containers") or ()))


def allocatable(node: Object) -> Amounts:
    """Amounts a node has for pods."""
    return {name: quantity(str(text)) for name, text in ((node.get("status") or {}).get("allocatable") or {}).items()}


def amounts_by_node(pods: Iterable[Object]) -> dict[str, Amounts]:
    """Amounts taken on each node by pods that are there, terminating ones too."""
    total: dict[str, Amounts] = {}
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if not node or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        amounts = total.setdefault(node, {})
        for name, amount in requested_amounts(pod).items():
            amounts[name] = amounts.get(name, 0.0) + amount
    return total


def missing(wanted: Amounts, have: Amounts, taken: Mapping[str, float]) -> list[str]:
    """Names of what a node has not enough of."""
    return [
        name
        for name, amount in sorted(wanted.items())
        if amount > 0 and taken.get(name, 0.0) + amount > have.get(name, 0.0) + 1e-9
    ]
