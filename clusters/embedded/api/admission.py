"""What stands between a decoded object and the store: namespaces, hooks, schema, built-in rules."""

from __future__ import annotations

from clusters.embedded.api import (
    builtin_rules,
    definitions,
    metadata_rules,
    namespaces,
    quotas,
    rules,
    service_accounts,
    service_addresses,
    validation,
)
from clusters.embedded.api.exchange import Call
from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.hooks import Hooks, Review
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import CRD_STORAGE
from clusters.embedded.api.status import Cause, Object, invalid
from clusters.embedded.api.store import Store
from clusters.embedded.api.structure import prune, set_defaults


class Gate:
    """Admits writes. Raises ApiError for what it refuses; warnings go to the call either way."""

    def __init__(self, store: Store, hooks: Hooks) -> None:
        self._store = store
        self._hooks = hooks

    def mutate(self, call: Call, review: Review) -> Object:
        """Namespace checks and mutating hooks. Returns the object to go on with."""
        definitions.check(self._store, review)
        namespaces.check(self._store, review)
        service_accounts.admit(self._store, review)
        service_addresses.admit(self._store, review)
        value = self._run_mutators(call, review)
        kind = review.kind
        if self._hooks.mutators and kind.custom and kind.schema is not None:
            prune(value, kind.schema, root=True)
            set_defaults(value, kind.schema)
        return value

    def _run_mutators(self, call: Call, review: Review) -> Object:
        assert review.object is not None
        try:
            for mutator in self._hooks.mutators:
                changed = mutator(review)
                if changed is not None:
                    review.object = changed
        finally:
            for text in review.warnings:
                call.warn(text)
        assert review.object is not None
        return review.object

    def validate(self, call: Call, review: Review) -> None:
        """Schema, then validating hooks, then quotas."""
        if review.object is not None:
            self._check_fields(call, review, review.object)
        self.run_validators(call, review)
        quotas.check(self._store, review)

    def run_validators(self, call: Call, review: Review) -> None:
        """Validating hooks alone, as for a deletion."""
        try:
            for validator in self._hooks.validators:
                validator(review)
        finally:
            for text in review.warnings:
                call.warn(text)

    def _check_fields(self, call: Call, review: Review, value: Object) -> None:
        kind, old = review.kind, review.old
        causes = list(metadata_rules.metadata_causes(kind, value["metadata"], warn=call.warn if old is None else None))
        if old is not None:
            causes = self._update_causes(kind, old, value) + causes
        if kind.custom and kind.schema is not None:
            causes += self._schema_causes(kind, value, review)
        elif not kind.custom:
            if kind.storage == CRD_STORAGE:
                _tell_unenforced(call, value)
            causes += builtin_rules.causes(kind, value, old, review.subresource)
        if causes:
            resource = kind.resource
            group = kind.storage[0]  # that of the stored form: events of the newer group are refused as core ones
            raise invalid(resource.kind, group, value["metadata"].get("name", ""), causes)

    def _schema_causes(self, kind: Kind, value: Object, review: Review) -> list[Cause]:
        schema = kind.schema or {}
        if review.subresource == "status":
            status_schema = (schema.get("properties") or {}).get("status")
            if status_schema is None or "status" not in value:
                return []
            found = validation.faults(value["status"], status_schema, "status", "")
            return [_relative(cause) for cause in found]
        body = {key: item for key, item in value.items() if key != "metadata"}
        found = validation.faults(body, schema)
        found += validation.duplicates(body, schema)
        return found + rules.causes(kind, value, review.old, found)

    def _update_causes(self, kind: Kind, old: Object, new: Object) -> list[Cause]:
        added = metadata_rules.new_finalizers(old, new)
        if not added:
            return []
        listed = ", ".join(f'"{one}"' for one in added)
        text = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
            f"[]string{{{listed}}}"
        )
        cause = Cause("FieldValueForbidden", text, "metadata.finalizers")
        return [cause, cause] if kind.custom else [cause]


def _tell_unenforced(call: Call, definition: Object) -> None:
    """Warn of rules in a definition that this server cannot evaluate."""
    for version in (definition.get("spec") or {}).get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        for text in rules.unenforced(schema):
            call.warn(
                f"x-kubernetes-validations rule {go_quote(text)} is not understood by this server and not enforced"
            )


def _relative(cause: Cause) -> Cause:
    """A status is validated by itself: the text names its members from there."""
    return Cause(cause.reason, cause.message.replace(": . in body", ": in body"), cause.field)
