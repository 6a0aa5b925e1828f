"""Which accelerator of a node belongs to which pod."""

from __future__ import annotations

import uuid
from collections.abc import Iterable


class Accelerators:
    """Device ids of all nodes, handed out and given back."""

    def __init__(self) -> None:
        self._free: dict[str, list[str]] = {}
        self._held: dict[str, tuple[str, tuple[str, ...]]] = {}

    def add_node(self, node: str, count: int) -> None:
        """A node with that many devices; its ids are always the same."""
        if node not in self._free:
            self._free[node] = [f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'{node}/{index}')}" for index in range(count)]

    def take(self, pod: str, node: str, count: int) -> tuple[str, ...]:
        """Give a pod (by uid) its devices; what is missing is not there."""
        if count <= 0 or pod in self._held:
            return self._held.get(pod, ("", ()))[1]
        free = self._free.get(node, [])
        given = tuple(free[:count])
        del free[:count]
        self._held[pod] = (node, given)
        return given

    def give_back(self, pod: str) -> None:
        """The pod is gone."""
        node, given = self._held.pop(pod, ("", ()))
        if given:
            self._free[node] = sorted([*self._free[node], *given])

    def held(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Pods (by uid) and their devices."""
        return [(pod, given) for pod, (_, given) in self._held.items()]
