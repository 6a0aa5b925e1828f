"""Creating, replacing and deleting objects over REST."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api import builtin_defaults, conversion, crds, managed, namespaces
from clusters.embedded.api.admission import Gate
from clusters.embedded.api.decoding import decode
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.hooks import Review
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import bump_generation, merged_update
from clusters.embedded.api.status import (
    MODIFIED,
    ApiError,
    Cause,
    Object,
    already_exists,
    bad_request,
    conflict,
    invalid,
    not_found,
)
from clusters.embedded.api.store import Store
from clusters.embedded.api.target import Target
from clusters.embedded.api.write_options import WriteOptions

NAMESPACE_MISMATCH: Final = "the namespace of the provided object does not match the namespace sent on the request"


class Writer:
    """Create and update, for bodies and for patches alike."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self.store = store
        self.gate = gate

    def create(self, call: Call, kind: Kind, target: Target) -> Reply:
        """POST on a collection."""
        options = WriteOptions.of(call, "CreateOptions")
        value = decode(call, kind, options.field_validation)
        stored = self.admit_new(call, kind, target.namespace, value, options)
        return Reply(201, value=conversion.shown(kind, stored), custom=kind.custom)

    def admit_new(
        self,
        call: Call,
        kind: Kind,
        namespace: str,
        value: Object,
        options: WriteOptions,
        *,
        managers: list[managed.Manager] | None = None,
    ) -> Object:
        """Take a decoded object through admission into the store. Returns it as stored, or as it would be."""
        store, metadata = self.store, value["metadata"]
        if kind.resource.namespaced:
            if metadata.get("namespace") and metadata["namespace"] != namespace:
                raise bad_request(NAMESPACE_MISMATCH)
            metadata["namespace"] = namespace
        elif metadata.pop("namespace", ""):
            raise bad_request(NAMESPACE_MISMATCH)
        if metadata.get("resourceVersion"):
            raise ApiError("", "resourceVersion should not be set on objects to be created", code=500)
        prepare_new(kind, value)
        if managers is None:
            value["metadata"].pop("managedFields", None)
            managed.track(kind, None, value, options.manager, store.now())
        else:
            managed.write(value["metadata"], managers)
        store.stamp(kind, value)
        builtin_defaults.admit_new(kind, value)
        name = metadata.get("name", "")
        review = Review("CREATE", kind, namespace, name, value, None, "", options.dry_run, call.user)
        value = self.gate.mutate(call, review)
        review.object = value
        self.gate.validate(call, review)
        held = store.peek(kind, (value["metadata"].get("namespace") or "", value["metadata"]["name"]))
        if held is not None:
            raise _exists(kind, held)
        if options.dry_run:
            return value
        finish_new(kind, value, store.now())
        return store.insert(kind, self._as_stored(kind, value))

    def _as_stored(self, kind: Kind, value: Object) -> Object:
        """An object in the version its storage keeps."""
        kept = self.store.kinds.stored_at(kind.storage)
        return value if kept is None or kept.custom else conversion.shown(kept, value)

    def update(self, call: Call, kind: Kind, target: Target) -> Reply:
        """PUT on an object or its status."""
        options = WriteOptions.of(call, "UpdateOptions")
        value = decode(call, kind, options.field_validation)
        metadata = value["metadata"]
        if metadata.get("namespace") and metadata["namespace"] != target.namespace:
            raise bad_request(NAMESPACE_MISMATCH)
        if kind.resource.namespaced:
            metadata["namespace"] = target.namespace
        if not metadata.get("name") and not kind.custom:
            raise bad_request("name must be provided") if not target.name else _unnamed(target.name)
        if metadata.get("name") != target.name:
            given = metadata.get("name", "")
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({target.name})")
        old = self.held(kind, target)
        self.check_version(kind, old, value, needs_version=kind.custom)
        stored = self.admit_change(call, kind, target, old, value, options)
        return Reply(200, value=stored, custom=kind.custom)

    def held(self, kind: Kind, target: Target) -> Object:
        """The stored object. Raises ApiError NotFound."""
        namespace = target.namespace if kind.resource.namespaced else ""
        found = self.store.peek(kind, (namespace, target.name))
        if found is None:
            raise not_found(kind.resource.plural, kind.resource.group, target.name)
        return found

    def check_version(self, kind: Kind, old: Object, new: Object, *, needs_version: bool) -> None:
        """Optimistic locking and identity. Raises ApiError."""
        resource, metadata = kind.resource, new["metadata"]
        name = old["metadata"]["name"]
        version = metadata.get("resourceVersion", "")
        if version and not version.isdigit():
            text = (
                f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: parsing "{version}": invalid syntax'
            )
            raise ApiError("", text, code=500)
        if not version and needs_version:
            text = "Invalid value: 0: must be specified for an update"
            cause = Cause("FieldValueInvalid", text, "metadata.resourceVersion")
            raise invalid(resource.plural, resource.group, name, [cause])
        uid = metadata.get("uid")
        if uid and uid != old["metadata"]["uid"]:
            raise _other_uid(kind, old, uid)
        if version and version != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, name, MODIFIED)

    def admit_change(
        self,
        call: Call,
        kind: Kind,
        target: Target,
        old: Object,
        value: Object,
        options: WriteOptions,
        *,
        owned: Any = None,
    ) -> Object:
        """Take a changed object through admission into the store. `owned` is an apply's own managedFields."""
        store, subresource = self.store, target.subresource
        value = merged_update(kind, old, value, subresource or None)
        builtin_defaults.set_defaults(kind, value)
        if kind.storage == crds.CRD_STORAGE and not subresource:
            crds.note_storage(value)
        bump_generation(kind, old, value)
        review = Review(
            "UPDATE", kind, target.namespace, target.name, value, old, subresource, options.dry_run, call.user
        )
        if owned is None:
            managed.track(kind, old, value, options.manager, store.now(), subresource=subresource)
        value = self.gate.mutate(call, review)
        review.object = value
        if kind.generation:
            value["metadata"]["generation"] = old["metadata"].get("generation", 1)
            bump_generation(kind, old, value)
        self.gate.validate(call, review)
        if options.dry_run:
            return old if managed.same(old, value) else value
        return store.replace(kind, old, value)


def check_uid(kind: Kind, old: Object, metadata: Object) -> None:
    """A patch may repeat the uid but not change it. Raises ApiError Invalid."""
    given = metadata.get("uid")
    if given and given != old["metadata"]["uid"]:
        text = f'Invalid value: "{given}": field is immutable'
        cause = Cause("FieldValueInvalid", text, "metadata.uid")
        causes = [cause, cause] if kind.custom else [cause]
        raise invalid(kind.resource.kind, kind.resource.group, old["metadata"]["name"], causes)


def _unnamed(name: str) -> ApiError:
    return bad_request(f"the name of the object () does not match the name on the URL ({name})")


def prepare_new(kind: Kind, value: Object) -> None:
    """What the server drops from and gives to a new object before admission."""
    if kind.status:
        value.pop("status", None)
    if kind.storage == ("", "namespaces"):
        namespaces.label(value)
    builtin_defaults.set_defaults(kind, value)


def finish_new(kind: Kind, value: Object, now: str) -> None:
    """What a kind's own controller in the server adds at once."""
    if kind.storage == crds.CRD_STORAGE:
        value["status"] = crds.established(value, now)


def _exists(kind: Kind, held: Object) -> ApiError:
    resource, name = kind.resource, held["metadata"]["name"]
    error = already_exists(resource.plural, resource.group, name)
    if "deletionTimestamp" in held["metadata"]:
        return ApiError("AlreadyExists", f"object is being deleted: {error.message}", details=error.details)
    return error


def _other_uid(kind: Kind, old: Object, uid: str) -> ApiError:
    resource, metadata = kind.resource, old["metadata"]
    place = f"{resource.group}/{resource.plural}" if kind.custom else resource.plural
    space = f"/{metadata['namespace']}" if metadata.get("namespace") else ""
    key = f"/registry/{place}{space}/{metadata['name']}"
    text = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
        f"failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
    )
    return conflict(resource.plural, resource.group, metadata["name"], text)
