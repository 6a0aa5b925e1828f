"""Namespaces: active until deleted, then emptied of everything, then gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating
from conformance.kube.resources import CONFIG_MAPS, NAMESPACES, PODS, Resource

SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
FINALIZER: Final = "kubernetes"
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

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        found = context.store.get(NAMESPACES, None, key.name)
        if found is None:
            return None
        if not is_terminating(found):
            self._begin(key.name, found)
            return None
        context.set_status(NAMESPACES, found, {"phase": "Terminating"})
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
        if context.get(SERVICE_ACCOUNTS, name, "default") is None:
            account = {"metadata": {"name": "default", "namespace": name}}
            context.store.create(SERVICE_ACCOUNTS, account, namespace=name)
        if context.get(CONFIG_MAPS, name, "kube-root-ca.crt") is None:
            data = {"metadata": {"name": "kube-root-ca.crt", "namespace": name}, "data": {"ca.crt": ""}}
            context.store.create(CONFIG_MAPS, data, namespace=name)

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
