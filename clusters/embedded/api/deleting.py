"""Deleting objects and collections over REST."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from clusters.embedded.api import listing, protobuf
from clusters.embedded.api.admission import Gate
from clusters.embedded.api.decoding import JSON_TYPES, PROTOBUF, YAML_TYPES, load_yaml, media_type, unsupported_media
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.go_json import JsonFaultError, parse
from clusters.embedded.api.hooks import Review
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.options import META_GROUP, ListOptions, unsupported_option, whole_number
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import Cause, Object, bad_request, conflict, forbidden, invalid, not_found
from clusters.embedded.api.store import Store
from clusters.embedded.api.target import Target
from clusters.embedded.api.write_options import check_dry_run

POLICIES: Final = ("Foreground", "Background", "Orphan")
IMMORTAL_NAMESPACES: Final = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a deletion asks for; from the body, the query where it has none."""

    dry_run: bool = False
    propagation: str = ""
    grace_seconds: int | None = None
    uid: str = ""
    version: str = ""

    @classmethod
    def of(cls, call: Call) -> DeleteOptions:
        """Parse and validate. Raises ApiError."""
        body = _body(call) if call.body.strip() else None
        if body is None:
            made = cls(
                check_dry_run(call, "DeleteOptions"),
                call.one("propagationPolicy"),
                whole_number(call, "gracePeriodSeconds"),
            )
            orphan = call.query.get("orphanDependents")
        else:
            wanted = body.get("preconditions") or {}
            dry = body.get("dryRun") or []
            if dry not in ([], ["All"]):
                shown = json.dumps(dry, separators=(",", ":"))
                raise unsupported_option("DeleteOptions", "dryRun", shown, '"All"')
            made = cls(
                bool(dry),
                body.get("propagationPolicy") or "",
                body.get("gracePeriodSeconds"),
                wanted.get("uid") or "",
                wanted.get("resourceVersion") or "",
            )
            given = body.get("orphanDependents")
            orphan = None if given is None else ["true" if given else "false"]
        return made._checked(orphan)

    def _checked(self, orphan: list[str] | None) -> DeleteOptions:
        if orphan is not None and self.propagation:
            text = 'Invalid value: "{}": orphanDependents and deletionPropagation cannot be both set'
            cause = Cause("FieldValueInvalid", text.replace("{}", self.propagation), "propagationPolicy")
            raise invalid("DeleteOptions", META_GROUP, "", [cause])
        if self.propagation and self.propagation not in POLICIES:
            supported = '"Foreground", "Background", "Orphan", "nil"'
            raise unsupported_option("DeleteOptions", "propagationPolicy", f'"{self.propagation}"', supported)
        if orphan is not None:
            return replace(self, propagation="Background" if orphan[0] in ("false", "0") else "Orphan")
        return self


def _body(call: Call) -> dict[str, Any]:
    chosen = media_type(call) or JSON_TYPES[0]
    if chosen in YAML_TYPES:
        value, _ = load_yaml(call.body)
    elif chosen in JSON_TYPES:
        try:
            value, _ = parse(call.body)
        except JsonFaultError as fault:
            raise bad_request(f"couldn't get version/kind; json parse error: {fault}") from None
    elif chosen == PROTOBUF:
        try:
            value = protobuf.decode(call.body)
        except protobuf.ProtobufFaultError as fault:
            raise bad_request(str(fault)) from None
    else:
        raise unsupported_media((*JSON_TYPES, *YAML_TYPES, PROTOBUF))
    if not isinstance(value, dict):
        raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
    if value.get("kind", "DeleteOptions") != "DeleteOptions":
        scheme = 'in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"'
        raise bad_request(
            f'no kind "{value["kind"]}" is registered for version "{value.get("apiVersion", "")}" {scheme}'
        )
    return value


class Deleter:
    """DELETE of one object or of a collection."""

    def __init__(self, store: Store, gate: Gate) -> None:
        self.store = store
        self.gate = gate

    def delete(self, call: Call, kind: Kind, target: Target) -> Reply:
        """DELETE on an object."""
        options = DeleteOptions.of(call)
        namespace = target.namespace if kind.resource.namespaced else ""
        resource = kind.resource
        held = self.store.peek(kind, (namespace, target.name))
        if kind.storage == ("", "namespaces") and target.name in IMMORTAL_NAMESPACES[:3]:
            raise forbidden(resource.plural, resource.group, target.name, "this namespace may not be deleted")
        if held is None:
            raise not_found(resource.plural, resource.group, target.name)
        check_preconditions(kind, held, options)
        review = Review("DELETE", kind, target.namespace, target.name, None, held, "", options.dry_run, call.user)
        self.gate.run_validators(call, review)
        left = self._begin(kind, held, options)
        if left is None and kind.storage == ("", "pods") and (held.get("spec") or {}).get("nodeName"):
            left = self._last_state(kind, held)
        if left is not None:
            return Reply(200, value=left, custom=kind.custom)
        return Reply(200, value=_gone(kind, held))

    def _last_state(self, kind: Kind, held: Object) -> Object:
        """A pod deleted without grace is answered as it was when it went."""
        metadata = {**held["metadata"], "deletionTimestamp": self.store.now(), "deletionGracePeriodSeconds": 0}
        if "deletionTimestamp" not in held["metadata"]:
            metadata["generation"] = metadata.get("generation", 1) + 1
        return {**held, "metadata": metadata}

    def _begin(self, kind: Kind, held: Object, options: DeleteOptions) -> Object | None:
        propagation = options.propagation or "Background"
        if options.dry_run:
            return self.store.preview_deletion(kind, held, propagation, options.grace_seconds)
        return self.store.begin_deletion(kind, held, propagation, options.grace_seconds)

    def delete_collection(self, call: Call, kind: Kind, target: Target) -> Reply:
        """DELETE on a collection: the list of what was deleted."""
        options = DeleteOptions.of(call)
        listed = ListOptions.of(call)
        labels = LabelSelector.parse(listed.labels)
        fields = FieldSelector.parse(listed.fields, kind)
        values, metadata = listing.select(self.store, kind, target.namespace, listed, fields, labels)
        for value in values:
            self._begin(kind, value, options)
        if not options.dry_run and values:
            metadata = {**metadata, "resourceVersion": metadata["resourceVersion"]}
        return Reply(200, value=listing.list_object(kind, values, metadata), custom=kind.custom)


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
    details: Object = {"name": held["metadata"]["name"]}
    if kind.resource.group:
        details["group"] = kind.resource.group
    details["kind"] = kind.resource.plural
    details["uid"] = held["metadata"]["uid"]
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
