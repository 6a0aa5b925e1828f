"""Creating, replacing and deleting objects: their way through defaulting and admission into the store, and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clusters.embedded.api import custom_resources, defaulting, field_manager
from clusters.embedded.api.admission_chain import AdmissionChain, Review
from clusters.embedded.api.api_errors import (
    ApiError,
    Object,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    not_found,
)
from clusters.embedded.api.api_errors import invalid as invalid_object
from clusters.embedded.api.body_decoding import decode
from clusters.embedded.api.field_errors import IMMUTABLE, invalid
from clusters.embedded.api.field_manager import Manager
from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, POD_STORAGE, Kind
from clusters.embedded.api.lifecycle import bump_generation, marked_for_deletion, merged_update
from clusters.embedded.api.list_handler import list_object, select
from clusters.embedded.api.query_options import DeleteOptions, ListOptions, WriteOptions
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.store import Store

NAMESPACE_MISMATCH: Final = "the namespace of the provided object does not match the namespace sent on the request"


class Writer:
    """Create and update, for bodies and for patches alike."""

    def __init__(self, store: Store, admission: AdmissionChain) -> None:
        self.store = store
        self.admission = admission

    def create(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """POST on a collection."""
        options = WriteOptions.of(request, "CreateOptions")
        value = decode(request, kind, options.field_validation)
        return Response(201, value=self.admit_new(request, kind, info.namespace, value, options))

    def admit_new(
        self,
        request: Request,
        kind: Kind,
        namespace: str,
        value: Object,
        options: WriteOptions,
        *,
        managers: Sequence[Manager] | None = None,
    ) -> Object:
        """Take a decoded object through admission into the store. Returns it as stored, or as it would be. `managers`
        are an apply's own owners of fields."""
        store, metadata = self.store, value["metadata"]
        if metadata.get("namespace") and metadata["namespace"] != namespace:
            raise bad_request(NAMESPACE_MISMATCH)
        metadata.pop("namespace", None)
        if kind.resource.namespaced:
            metadata["namespace"] = namespace
        if metadata.get("resourceVersion"):
            raise ApiError("", "resourceVersion should not be set on objects to be created", code=500)
        if kind.status:
            value.pop("status", None)
        defaulting.set_defaults(kind, value)
        if managers is None:
            metadata.pop("managedFields", None)
            field_manager.track(kind, None, value, options.manager, store.now())
        else:
            field_manager.write(metadata, list(managers))
        store.stamp(kind, value)
        defaulting.admit_new(kind, value)
        name = metadata.get("name", "")
        review = Review("CREATE", kind, namespace, name, value, None, "", options.dry_run, request.user)
        value = review.object = self.admission.mutate(request, review)
        self.admission.validate(request, review)
        held = store.peek(kind, (value["metadata"].get("namespace") or "", value["metadata"]["name"]))
        if held is not None:
            resource, is_going = kind.resource, "deletionTimestamp" in held["metadata"]
            raise already_exists(resource.plural, resource.group, held["metadata"]["name"], is_going=is_going)
        if options.dry_run:
            return value
        if kind.storage == CRD_STORAGE:
            value["status"] = custom_resources.established(value, store.now())
        return store.insert(kind, value)

    def update(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """PUT on an object or its status."""
        options = WriteOptions.of(request, "UpdateOptions")
        value = decode(request, kind, options.field_validation)
        metadata = value["metadata"]
        if metadata.get("namespace") and metadata["namespace"] != info.namespace:
            raise bad_request(NAMESPACE_MISMATCH)
        if kind.resource.namespaced:
            metadata["namespace"] = info.namespace
        given = metadata.get("name", "")
        if given != info.name:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({info.name})")
        old = self.held(kind, info)
        self.check_version(kind, old, value, needs_version=kind.custom)
        return Response(200, value=self.admit_change(request, kind, info, old, value, options))

    def held(self, kind: Kind, info: RequestInfo) -> Object:
        """The stored object. Raises ApiError NotFound."""
        found = self.store.peek(kind, (info.namespace if kind.resource.namespaced else "", info.name))
        if found is None:
            raise not_found(kind.resource.plural, kind.resource.group, info.name)
        return found

    def check_version(self, kind: Kind, old: Object, new: Object, *, needs_version: bool) -> None:
        """Optimistic locking and identity. Raises ApiError."""
        resource, metadata = kind.resource, new["metadata"]
        name, version = old["metadata"]["name"], metadata.get("resourceVersion", "")
        if not version and needs_version:
            cause = invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid_object(resource.plural, resource.group, name, [cause])
        uid = metadata.get("uid")
        if uid and uid != old["metadata"]["uid"]:
            own = old["metadata"]["uid"]
            text = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"
            raise conflict(resource.plural, resource.group, name, text)
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, name)

    def admit_change(
        self,
        request: Request,
        kind: Kind,
        info: RequestInfo,
        old: Object,
        value: Object,
        options: WriteOptions,
        *,
        owned: bool = False,
    ) -> Object:
        """Take a changed object through admission into the store. `owned`: its managedFields are an apply's own."""
        store, subresource = self.store, info.subresource
        value = merged_update(kind, old, value, subresource or None)
        defaulting.set_defaults(kind, value)
        if kind.storage == CRD_STORAGE and not subresource:
            custom_resources.note_stored_versions(value)
        bump_generation(kind, old, value)
        review = Review(
            "UPDATE", kind, info.namespace, info.name, value, old, subresource, options.dry_run, request.user
        )
        if not owned:
            field_manager.track(kind, old, value, options.manager, store.now(), subresource=subresource)
        value = review.object = self.admission.mutate(request, review)
        if kind.generation:
            value["metadata"]["generation"] = old["metadata"].get("generation", 1)
            bump_generation(kind, old, value)
        self.admission.validate(request, review)
        if options.dry_run:
            return old if field_manager.same(old, value) else value
        return store.replace(kind, old, value)


def check_uid(kind: Kind, old: Object, metadata: Object) -> None:
    """A patch may repeat the uid but not change it. Raises ApiError Invalid."""
    given = metadata.get("uid")
    if given and given != old["metadata"]["uid"]:
        cause = invalid("metadata.uid", given, IMMUTABLE)
        raise invalid_object(kind.resource.kind, kind.resource.group, old["metadata"]["name"], [cause])


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
