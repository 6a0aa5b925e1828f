"""Deleting objects and collections."""

from __future__ import annotations

from typing import Final

from clusters.embedded.api.admission_chain import AdmissionChain, Review
from clusters.embedded.api.kinds import NAMESPACE_STORAGE, POD_STORAGE, Kind
from clusters.embedded.api.lifecycle import marked_for_deletion
from clusters.embedded.api.list_handler import list_object, select
from clusters.embedded.api.query_options import DeleteOptions, ListOptions
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.status import Object, conflict, forbidden, not_found
from clusters.embedded.api.store import Store

IMMORTAL_NAMESPACES: Final = ("default", "kube-system", "kube-public")


class Deleter:
    """DELETE of one object or of a collection."""

    def __init__(self, store: Store, admission: AdmissionChain) -> None:
        self._store = store
        self._admission = admission

    def delete(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """DELETE on an object: what is left of it, or a Status when it is gone. Raises ApiError."""
        options, resource = DeleteOptions.of(request), kind.resource
        if kind.storage == NAMESPACE_STORAGE and info.name in IMMORTAL_NAMESPACES:
            raise forbidden(resource.plural, resource.group, info.name, "this namespace may not be deleted")
        held = self._store.peek(kind, (info.namespace if resource.namespaced else "", info.name))
        if held is None:
            raise not_found(resource.plural, resource.group, info.name)
        check_preconditions(kind, held, options)
        review = Review("DELETE", kind, info.namespace, info.name, None, held, "", options.dry_run, request.user)
        self._admission.validate(request, review)
        left = self._begin(kind, held, options)
        if left is None and kind.storage == POD_STORAGE and (held.get("spec") or {}).get("nodeName"):
            left = self._last_state(held)
        return Response(200, value=_gone(kind, held) if left is None else left)

    def _last_state(self, held: Object) -> Object:
        """A pod deleted without grace is answered as it was when it went."""
        metadata = {**held["metadata"], "deletionTimestamp": self._store.now(), "deletionGracePeriodSeconds": 0}
        return {**held, "metadata": metadata}

    def _begin(self, kind: Kind, held: Object, options: DeleteOptions) -> Object | None:
        if options.dry_run:
            wall_seconds = self._store.clock.wall()
            return marked_for_deletion(kind, held, options.propagation, options.grace_seconds, wall_seconds)
        return self._store.begin_deletion(kind, held, options.propagation, options.grace_seconds)

    def delete_collection(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """DELETE on a collection: the list of what was deleted."""
        options = DeleteOptions.of(request)
        values, metadata = select(self._store, kind, info.namespace, ListOptions.of(request))
        for value in values:
            self._begin(kind, value, options)
        return Response(200, value=list_object(kind, values, metadata))


def check_preconditions(kind: Kind, held: Object, options: DeleteOptions) -> None:
    """Raises ApiError Conflict when the object is not the one meant."""
    resource, metadata = kind.resource, held["metadata"]
    for wanted, found, name in (
        (options.uid, metadata["uid"], "UID"),
        (options.version, metadata["resourceVersion"], "ResourceVersion"),
    ):
        if wanted and wanted != found:
            text = f"Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {found}"
            raise conflict(resource.plural, resource.group, metadata["name"], text)


def _gone(kind: Kind, held: Object) -> Object:
    details: Object = {"name": held["metadata"]["name"], "kind": kind.resource.plural, "uid": held["metadata"]["uid"]}
    if kind.resource.group:
        details["group"] = kind.resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
