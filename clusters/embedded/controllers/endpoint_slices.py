"""EndpointSlices: the pods behind a Service's name, as `kubectl describe service` and dashboards show them.

Requests do not go by them here; the ingress has its own table. The uid comes from the Service's, so that a slice draws
nothing from the store's stream of random names.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, key_of, owner_references
from clusters.embedded.objects.status_conditions import is_true
from conformance.kube.resources import PODS, SERVICES, Resource

SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
SERVICE_NAME: Final = "kubernetes.io/service-name"
MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"


class EndpointSlices:
    """Reconciles Services with a selector."""

    name = "endpointslice-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._selectors: dict[str, dict[ObjectKey, Mapping[str, str]]] = {}
        self.watches: Sequence[Watched] = (Watched(SERVICES, self._noted), Watched(PODS, self._services_of))

    def _noted(self, service: Object) -> Iterable[ObjectKey]:
        """Remember what a Service selects: looking through all of them at each change of a pod would be slow where
        there are many, and most select nothing."""
        key, selector = key_of(service), service["spec"].get("selector")
        if selector and service["spec"].get("type") != "ExternalName":
            self._selectors.setdefault(key.namespace, {})[key] = selector
        else:
            self._selectors.get(key.namespace, {}).pop(key, None)
        return (key,)

    def _services_of(self, pod: Object) -> Iterable[ObjectKey]:
        labels = (pod["metadata"].get("labels") or {}).items()
        for key, selector in self._selectors.get(pod["metadata"]["namespace"], {}).items():
            if selector.items() <= labels:
                yield key

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        service = context.peek(SERVICES, *key)
        if service is None:
            self._selectors.get(key.namespace, {}).pop(key, None)
            return None  # its slice goes with it
        if key not in self._selectors.get(key.namespace, {}):
            return None
        store, kind = context.store, context.store.kinds.of(SLICES)
        uid = uuid.uuid5(uuid.UUID(service["metadata"]["uid"]), "slice")
        name = f"{key.name}-{uid.hex[:5]}"
        held = store.peek(kind, (key.namespace, name))
        wanted = self._slice(service)
        if held is not None:
            store.replace(kind, held, {**held, "metadata": dict(held["metadata"]), **wanted})
            return None
        metadata = {
            "name": name,
            "generateName": f"{key.name}-",
            "namespace": key.namespace,
            "uid": str(uid),
            "creationTimestamp": store.now(),
            "labels": {SERVICE_NAME: key.name, MANAGED_BY: f"{self.name}.k8s.io"},
            "ownerReferences": owner_references(service),
        }
        store.insert(kind, {"apiVersion": SLICES.api_version, "kind": SLICES.kind, "metadata": metadata, **wanted})
        return None

    def _slice(self, service: Object) -> Object:
        pods = self._context.view(PODS, service["metadata"]["namespace"], service["spec"]["selector"])
        ports = [
            {"name": port.get("name", ""), "port": _target(port), "protocol": port.get("protocol", "TCP")}
            for port in service["spec"].get("ports") or ()
        ]
        return {
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod) for pod in pods if (pod.get("status") or {}).get("podIP")],
            "ports": ports,
        }


def _target(port: Object) -> int:
    target = port.get("targetPort", port["port"])
    return target if isinstance(target, int) else int(port["port"])


def _endpoint(pod: Object) -> Object:
    going, ready = is_terminating(pod), is_true(pod, "Ready")
    metadata = pod["metadata"]
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready and not going, "serving": ready, "terminating": going},
        "nodeName": pod["spec"].get("nodeName", ""),
        "targetRef": {
            "kind": "Pod",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
    }
