"""PATCH: the four kinds of patches, each bringing an object from its old to its new state."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api import applying, json_patching, strategic
from clusters.embedded.api.decoding import check_type, media_type, settle, too_large, unsupported_media
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.go_json import Duplicates, JsonFault, parse
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.merge_patch import merged
from clusters.embedded.api.options import forbidden_option
from clusters.embedded.api.status import ApiError, Cause, Object, bad_request, invalid
from clusters.embedded.api.target import Target
from clusters.embedded.api.values import copied
from clusters.embedded.api.write_options import WriteOptions
from clusters.embedded.api.writing import Writer

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = ("application/apply-patch+yaml", "application/apply-patch+cbor")
BUILT_IN: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC, *APPLY)
CUSTOM: Final = (JSON_PATCH, MERGE_PATCH, *APPLY)
BODY_LIMIT: Final = 3 * 1024 * 1024


class Patcher:
    """PATCH on an object or a subresource."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def patch(self, call: Call, kind: Kind, target: Target) -> Reply:
        chosen = media_type(call)
        accepted = CUSTOM if kind.custom else BUILT_IN
        if chosen not in accepted:
            raise unsupported_media(accepted)
        if len(call.body) > BODY_LIMIT:
            raise too_large()
        options = WriteOptions.of(call, "PatchOptions")
        if chosen == APPLY[0]:
            return applying.apply(self.writer, call, kind, target, options)
        if call.has("force"):
            raise forbidden_option("PatchOptions", "force", "may not be specified for non-apply patch")
        old = self.writer.held(kind, target)
        value, repeated = self._patched(chosen, kind, call, old)
        return self.store(call, kind, target, old, value, repeated, options)

    def store(
        self,
        call: Call,
        kind: Kind,
        target: Target,
        old: Object,
        value: Any,
        repeated: Duplicates,
        options: WriteOptions,
    ) -> Reply:
        """Check a patched object as the body of an update, and store it."""
        if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict | None):
            raise bad_request("the patched object is not an object")
        check_type(call, kind, value)
        value = settle(call, kind, value, options.field_validation, repeated)
        metadata = value["metadata"]
        for member, wanted in (("name", old["metadata"]["name"]), ("namespace", old["metadata"].get("namespace"))):
            given = metadata.get(member)
            if given != wanted:
                self._renamed(kind, old, member, given or "")
        self.writer.check_version(kind, old, value, needs_version=False)
        stored = self.writer.admit_change(call, kind, target, old, value, options)
        return Reply(200, value=stored, custom=kind.custom)

    def _renamed(self, kind: Kind, old: Object, member: str, given: str) -> None:
        if member == "namespace":
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        name = old["metadata"]["name"]
        if kind.custom or given:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        cause = Cause("FieldValueInvalid", f'Invalid value: "{given}": field is immutable', "metadata.name")
        raise invalid(kind.resource.kind, kind.resource.group, name, [cause])

    def _patched(self, chosen: str, kind: Kind, call: Call, old: Object) -> tuple[Any, Duplicates]:
        try:
            patch, repeated = parse(call.body)
        except JsonFault as fault:
            raise self._malformed(chosen, call, fault) from None
        if chosen == JSON_PATCH:
            return json_patching.patched(kind, old, patch), ()
        if not isinstance(patch, dict):
            word = "array" if isinstance(patch, list) else "string" if isinstance(patch, str) else "number"
            raise bad_request(f"json: cannot unmarshal {word} into Go value of type map[string]interface {{}}")
        if chosen == STRATEGIC:
            return strategic.patched(kind, old, patch), repeated
        return merged(copied(old), patch), repeated

    def _malformed(self, chosen: str, call: Call, fault: JsonFault) -> ApiError:
        return bad_request(
            f"error decoding patch: {fault}" if chosen == MERGE_PATCH else f"error decoding patch: {fault}"
        )
