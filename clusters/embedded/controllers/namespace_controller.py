"""Namespaces: active until deleted, then emptied of everything, then gone.

Kubernetes 1.33 and later (feature gate OrderedNamespaceDeletion) delete the pods first, and nothing else until they are
gone; then they look again only after half of the longest grace period of those pods and a second, whatever happens
meanwhile (pkg/controller/namespace/deletion/namespaced_resources_deleter.go and namespace_controller.go at v1.34.0).
Knative's pods have 300 s, which makes 151 s. Here that is an option.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating
from conformance.kube.resources import CONFIG_MAPS, NAMESPACES, PODS, Resource

SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
FINALIZER: Final = "kubernetes"
SOON_SECONDS: Final = 1e-3
"""A timer that has run may be a rounding error early."""
FIRST: Final = (
    ("serving.kserve.io", "inferenceservices"),
    ("serving.knative.dev", "services"),
    ("apps", "deployments"),
)
"""Owners before what they would make again."""


def _of(value: Object) -> Iterable[ObjectKey]:
    """An object's namespace."""
    namespace = value["metadata"].get("namespace")
    return (ObjectKey("", namespace),) if namespace else ()


class Namespaces:
    """Reconciles Namespaces."""

    name = "namespace-controller"
    watches: Sequence[Watched] = (Watched(NAMESPACES), Watched(PODS, _of))

    def __init__(self, context: ControllerContext, *, ordered: bool = False) -> None:
        """`ordered` deletes as Kubernetes 1.33 and later do."""
        self._context = context
        self._ordered = ordered
        self._next_look: dict[str, float] = {}
        """When a namespace whose pods had to go first is looked at again, on the clock."""

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        found = context.store.get(NAMESPACES, None, key.name)
        if found is None:
            return None
        if not is_terminating(found):
            self._begin(key.name, found)
            return None
        context.set_status(NAMESPACES, found, {"phase": "Terminating"})
        if self._ordered and (seconds := self._pods_first(key.name)) > 0:
            return seconds
        if self._empty(key.name):
            return 1.0
        found = context.store.get(NAMESPACES, None, key.name)
        if found is not None:
            finalizers = [f for f in (found.get("spec") or {}).get("finalizers") or () if f != FINALIZER]
            found["spec"] = {"finalizers": finalizers} if finalizers else {}
            context.store.update(NAMESPACES, found)
            if context.store.get(NAMESPACES, None, key.name) is not None and not finalizers:
                context.store.remove(NAMESPACES, None, key.name)
        return None

    def _begin(self, name: str, found: Object) -> None:
        context = self._context
        if (found.get("status") or {}).get("phase") != "Active":
            context.set_status(NAMESPACES, found, {"phase": "Active"})
        if context.peek(SERVICE_ACCOUNTS, name, "default") is None:
            account = {"metadata": {"name": "default", "namespace": name}}
            context.store.create(SERVICE_ACCOUNTS, account, namespace=name)
        if context.peek(CONFIG_MAPS, name, "kube-root-ca.crt") is None:
            data = {"metadata": {"name": "kube-root-ca.crt", "namespace": name}, "data": {"ca.crt": ""}}
            context.store.create(CONFIG_MAPS, data, namespace=name)

    def _pods_first(self, namespace: str) -> float:
        """Delete the pods; seconds until they are looked for again, zero where there are none."""
        now = self._context.clock.monotonic()
        if (left := self._next_look.pop(namespace, now) - now) < SOON_SECONDS:
            pods = self._context.list(PODS, namespace)
            if not pods:
                return 0.0
            for pod in pods:
                if not is_terminating(pod):
                    self._context.store.delete(PODS, namespace, pod["metadata"]["name"])
            left = max(int(pod["spec"].get("terminationGracePeriodSeconds") or 0) for pod in pods) // 2 + 1.0
        self._next_look[namespace] = now + left
        return left

    def _empty(self, namespace: str) -> int:
        """Delete what is left; returns how much that is."""
        store, left = self._context.store, 0
        storages = store.storages()
        ordered = [storage for storage in FIRST if storage in storages]
        ordered += [storage for storage in storages if storage not in FIRST]
        for storage in ordered:
            kind = store.kinds.stored_at(storage)
            if kind is None or not kind.resource.namespaced:
                continue
            for key, value in sorted(store.objects(storage).items()):
                if key[0] != namespace:
                    continue
                left += 1
                if not is_terminating(value):
                    store.delete(kind.resource, *key)
        return left
