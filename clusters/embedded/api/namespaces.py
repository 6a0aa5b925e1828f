"""The life of a namespace: what it must be for objects to live in it, and how it ends."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.hooks import Review
from clusters.embedded.api.status import Cause, Object, forbidden, not_found
from clusters.embedded.api.store import Store
from conformance.kube.resources import NAMESPACES

IMMORTAL: Final = ("default", "kube-system", "kube-public")
NAME_LABEL: Final = "kubernetes.io/metadata.name"


def check(store: Store, review: Review) -> None:
    """Creating needs an existing namespace that is not ending. Raises ApiError."""
    if review.operation != "CREATE" or not review.namespace or review.kind.storage == ("", "namespaces"):
        return
    found = store.peek(store.kinds.of(NAMESPACES), ("", review.namespace))
    if found is None:
        raise not_found("namespaces", "", review.namespace)
    if (found.get("status") or {}).get("phase") == "Terminating" or "deletionTimestamp" in found["metadata"]:
        resource = review.resource
        text = f"unable to create new content in namespace {review.namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {review.namespace} is being terminated", "metadata.namespace")
        raise forbidden(resource.plural, resource.group, review.name, text, [cause])


def label(value: Object) -> None:
    """Every namespace is labelled with its name."""
    metadata = value["metadata"]
    if metadata.get("name"):
        metadata.setdefault("labels", {})[NAME_LABEL] = metadata["name"]


def complete(value: Object) -> None:
    """What the server gives a new namespace."""
    label(value)
    spec = value.get("spec") or {}
    spec.setdefault("finalizers", ["kubernetes"])
    value["spec"] = spec
    value["status"] = {"phase": "Active"}
