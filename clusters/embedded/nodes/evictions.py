"""Pods leave a node whose NoExecute taints they do not tolerate (Kubernetes pkg/controller/tainteviction)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.nodes.taints import tolerated_seconds
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, key_of
from conformance.kube.resources import NODES, PODS


class Evictions:
    """Reconciles pods on tainted nodes."""

    name = "taint-eviction-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._since: dict[ObjectKey, float] = {}
        self.watches: Sequence[Watched] = (Watched(NODES, self._pods_on),)

    def _pods_on(self, node: Object) -> Iterable[ObjectKey]:
        if not (node.get("spec") or {}).get("taints"):
            return
        name = node["metadata"]["name"]
        for pod in self._context.view(PODS):
            if pod["spec"].get("nodeName") == name:
                yield key_of(pod)

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        pod = context.peek(PODS, *key)
        node = context.peek(NODES, "", pod["spec"].get("nodeName") or "") if pod is not None else None
        if pod is None or node is None or is_terminating(pod):
            self._since.pop(key, None)
            return None
        seconds = tolerated_seconds(pod, node)
        if seconds == math.inf:
            self._since.pop(key, None)
            return None
        now = context.clock.monotonic()
        left = self._since.setdefault(key, now) + seconds - now
        if left > 0:
            return left
        name = f"{key.namespace}/{key.name}"
        context.event(pod, "TaintManagerEviction", f"Marking for deletion Pod {name}", self.name)
        context.store.delete(PODS, *key)
        return None
