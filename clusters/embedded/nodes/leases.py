"""Node leases: how a cluster knows that its kubelets live, and where `kubectl describe node` reads it.

Kubelets renew every ten seconds. The lease takes its uid from its node, so that it draws nothing from the store's
stream of random names.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.objects.metadata import Object, ObjectKey
from conformance.kube.resources import NODES, Resource

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
NAMESPACE: Final = "kube-node-lease"
RENEW_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 40


class Leases:
    """Reconciles nodes."""

    name = "node-lease"
    watches: Sequence[Watched] = (Watched(NODES),)

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._renewed: dict[ObjectKey, float] = {}

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        node = context.peek(NODES, "", key.name)
        if node is None:
            context.remove(LEASES, NAMESPACE, key.name)
            self._renewed.pop(key, None)
            return None
        now = context.clock.monotonic()
        left = self._renewed.get(key, -RENEW_SECONDS) + RENEW_SECONDS - now
        if left > 1e-6:
            return left
        self._renewed[key] = now
        self._renew(node)
        return RENEW_SECONDS

    def _renew(self, node: Object) -> None:
        store, name = self._context.store, node["metadata"]["name"]
        kind = store.kinds.of(LEASES)
        renewed = datetime.fromtimestamp(self._context.clock.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": renewed}
        held = store.peek(kind, (NAMESPACE, name))
        if held is not None:
            store.replace(kind, held, {**held, "metadata": dict(held["metadata"]), "spec": spec})
            return
        owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
        metadata = {
            "name": name,
            "namespace": NAMESPACE,
            "uid": str(uuid.uuid5(uuid.UUID(node["metadata"]["uid"]), NAMESPACE)),
            "creationTimestamp": store.now(),
            "ownerReferences": [owner],
        }
        value: Object = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
        store.insert(kind, value)
