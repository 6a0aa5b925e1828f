"""Admission: what stands between a decoded object and the store, and what the platform plugs in there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from clusters.embedded.api import kind_validation, object_meta, schema_validation
from clusters.embedded.api.api_errors import Object, forbidden, invalid, not_found
from clusters.embedded.api.field_errors import Cause
from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, NAMESPACES, Kind, Resource, Storage
from clusters.embedded.api.request import ANONYMOUS, Request, User
from clusters.embedded.api.store import Store
from clusters.embedded.api.structural_schema import prune, set_defaults


@dataclass(slots=True)
class Review:
    """A write on its way in. `object` is None for DELETE, `old` for CREATE."""

    operation: str
    """CREATE, UPDATE or DELETE."""
    kind: Kind
    namespace: str
    name: str
    object: Object | None
    old: Object | None
    subresource: str = ""
    dry_run: bool = False
    user: User = ANONYMOUS
    warnings: list[str] = field(default_factory=list)

    def is_of(self, resource: Resource) -> bool:
        """Whether the object is of this kind, in this version."""
        own = self.kind.resource
        return (own.group, own.version, own.plural) == (resource.group, resource.version, resource.plural)

    def warn(self, text: str) -> None:
        """Send a Warning header with the answer, also with a denial."""
        self.warnings.append(text)


Mutator = Callable[[Review], Object | None]
"""Returns the object to go on with, None for no change. It may change `review.object` in place: it is its own copy.
Raises ApiError to refuse."""

Validator = Callable[[Review], None]
"""Raises ApiError to refuse."""


class LogSource(Protocol):
    """Where pod logs come from."""

    def __call__(self, pod: Object, container: str, follow: bool) -> AsyncIterator[bytes]:
        """The log from its beginning, each piece one line with its RFC 3339 time and a space in front; ends at once
        unless followed. Raises ApiError, before the first piece, when there is none to read."""


class ObjectSource(Protocol):
    """Computes the objects of a kind that is not stored."""

    def __call__(self, namespace: str) -> list[Object]:
        """The objects as they are now, by namespace and name; those of all namespaces when it is empty."""


@dataclass(slots=True)
class Hooks:
    """All hooks; empty ones do nothing. Mutators run before schema validation, validators after it, both in order."""

    mutators: list[Mutator] = field(default_factory=list)
    validators: list[Validator] = field(default_factory=list)
    logs: LogSource | None = None
    computed: dict[Storage, ObjectSource] = field(default_factory=dict)
    """Where the objects of a kind come from that is served but not stored."""


class AdmissionChain:
    """Admits writes. Raises ApiError for what it refuses; warnings go to the request either way."""

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    def mutate(self, request: Request, review: Review) -> Object:
        """Namespaces, addresses and mutating hooks. Returns the object to go on with."""
        if review.operation == "CREATE":
            check_definition(self._store, review)
            check_namespace(self._store, review)
        if review.kind.storage == ("", "services"):
            assign_address(self._store, review)
        value = self._run_mutators(request, review)
        schema = review.kind.schema
        if self._hooks.mutators and review.kind.custom and schema is not None:
            prune(value, schema, root=True)
            set_defaults(value, schema)
        return value

    def _run_mutators(self, request: Request, review: Review) -> Object:
        try:
            for mutator in self._hooks.mutators:
                changed = mutator(review)
                if changed is not None:
                    review.object = changed
        finally:
            for text in review.warnings:
                request.warn(text)
        assert review.object is not None
        return review.object

    def validate(self, request: Request, review: Review) -> None:
        """Metadata, schema and rules of the kind, then validating hooks; for a deletion the hooks alone."""
        if review.object is not None:
            causes = list(self._causes(request, review, review.object))
            if causes:
                resource, name = review.kind.resource, review.object["metadata"].get("name", "")
                raise invalid(resource.kind, resource.group, name, causes)
        try:
            for validator in self._hooks.validators:
                validator(review)
        finally:
            for text in review.warnings:
                request.warn(text)

    def _causes(self, request: Request, review: Review, value: Object) -> Iterator[Cause]:
        kind, old = review.kind, review.old
        if old is not None:
            yield from object_meta.added_finalizers(old, value)
        yield from object_meta.metadata_causes(kind, value["metadata"])
        if not kind.custom:
            if kind.storage == CRD_STORAGE:
                for text in schema_validation.unenforced(value):
                    request.warn(f'x-kubernetes-validations rule "{text}" is not understood by this server')
            if review.subresource != "status":
                asked = {name: item for name, item in value.items() if name not in ("metadata", "status")}
                faults = schema_validation.causes(asked, kind.schema or {})
                yield from (one for one in faults if one.reason != "FieldValueDuplicate")
                yield from kind_validation.causes(kind, value, old)
        elif kind.schema is not None and review.subresource == "status":
            status = (kind.schema.get("properties") or {}).get("status")
            if status is not None and "status" in value:
                yield from schema_validation.causes(value["status"], status, "status")
        elif kind.schema is not None:
            body = {key: item for key, item in value.items() if key != "metadata"}
            yield from schema_validation.causes(body, kind.schema)
            yield from schema_validation.changed_causes(body, old, kind.schema)


def check_definition(store: Store, review: Review) -> None:
    """Raises ApiError Forbidden for a new object whose definition is going."""
    if not review.kind.custom:
        return
    resource = review.kind.resource
    definition = store.objects(CRD_STORAGE).get(("", f"{resource.plural}.{resource.group}"))
    if definition is not None and "deletionTimestamp" in definition["metadata"]:
        text = "create not allowed while custom resource definition is terminating"
        raise forbidden(resource.plural, resource.group, review.name, text)


def check_namespace(store: Store, review: Review) -> None:
    """Creating needs an existing namespace that is not ending. Raises ApiError."""
    if not review.namespace or review.kind.storage == NAMESPACE_STORAGE:
        return
    found = store.peek(store.kinds.of(NAMESPACES), ("", review.namespace))
    if found is None:
        raise not_found("namespaces", "", review.namespace)
    if (found.get("status") or {}).get("phase") == "Terminating" or "deletionTimestamp" in found["metadata"]:
        resource = review.kind.resource
        text = f"unable to create new content in namespace {review.namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", f"namespace {review.namespace} is being terminated", "metadata.namespace")
        raise forbidden(resource.plural, resource.group, review.name, text, [cause])


def assign_address(store: Store, review: Review) -> None:
    """Give a Service, in place, the next free address of 10.96.0.0/16. An update that leaves it out keeps it."""
    if review.object is None:
        return
    spec, before = review.object["spec"], ((review.old or {}).get("spec") or {})
    if spec.get("type") == "ExternalName":
        return
    if not spec.get("clusterIP"):
        taken = {(one.get("spec") or {}).get("clusterIP") for one in store.objects(("", "services")).values()}
        addresses = (f"10.96.{number // 256}.{number % 256}" for number in range(10, 65_000))
        spec["clusterIP"] = before.get("clusterIP") or next(one for one in addresses if one not in taken)
    spec.setdefault("clusterIPs", [spec["clusterIP"]])
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
