"""PATCH: the four kinds of patches, each bringing an object from its old to its new state."""

from __future__ import annotations

import re
from typing import Any, Final

from clusters.embedded.api import applying, json_patching, strategic
from clusters.embedded.api.decoding import check_type, media_type, settle, too_large, unsupported_media
from clusters.embedded.api.exchange import Call, Reply, compact, ordered
from clusters.embedded.api.go_json import Duplicates, JsonFaultError, parse
from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.merge_patch import merged
from clusters.embedded.api.options import forbidden_option
from clusters.embedded.api.status import ApiError, Cause, Object, bad_request, invalid
from clusters.embedded.api.target import Target
from clusters.embedded.api.values import copied
from clusters.embedded.api.write_options import WriteOptions
from clusters.embedded.api.writing import Writer, check_uid

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = ("application/apply-patch+yaml", "application/apply-patch+cbor")
BUILT_IN: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC, APPLY[0])
CUSTOM: Final = (JSON_PATCH, MERGE_PATCH, APPLY[0])
BODY_LIMIT: Final = 3 * 1024 * 1024


class Patcher:
    """PATCH on an object or a subresource."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def patch(self, call: Call, kind: Kind, target: Target) -> Reply:
        chosen = media_type(call)
        accepted = CUSTOM if kind.custom else BUILT_IN
        if chosen not in accepted and not kind.custom and chosen not in CUSTOM:
            raise ApiError("UnsupportedMediaType", "415: Unsupported Media Type", details={})
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
        self._check_type(call, kind, old, value)
        before = copied(value)
        try:
            value = settle(call, kind, value, options.field_validation, repeated)
        except ApiError as error:
            raise unfit(kind, call, before, error) from None
        metadata = value["metadata"]
        for member, wanted in (("name", old["metadata"]["name"]), ("namespace", old["metadata"].get("namespace"))):
            given = metadata.get(member)
            if given != wanted:
                self._renamed(kind, old, member, given or "")
        check_uid(kind, old, metadata)
        self.writer.check_version(kind, old, value, needs_version=False)
        stored = self.writer.admit_change(call, kind, target, old, value, options)
        return Reply(200, value=stored, custom=kind.custom)

    def _check_type(self, call: Call, kind: Kind, old: Object, value: Object) -> None:
        resource, name = kind.resource, old["metadata"]["name"]
        if not kind.custom:
            check_type(call, kind, value)
            return
        for member, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
            given = value.get(member)
            if given != wanted:
                if member == "apiVersion" and "spec" in value:
                    call.warn('unknown field "spec"')
                cause = Cause("FieldValueInvalid", f'Invalid value: "{given or ""}": must be {wanted}', member)
                raise invalid(str(value.get("kind") or ""), resource.group, name, [cause])

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
        except JsonFaultError as fault:
            raise self._malformed(fault) from None
        if chosen == JSON_PATCH:
            return json_patching.patched(old, patch), ()
        if patch is None and chosen == MERGE_PATCH:
            raise bad_request("Invalid JSON Patch")
        if not isinstance(patch, dict):
            word = "array" if isinstance(patch, list) else "string" if isinstance(patch, str) else "number"
            raise bad_request(
                f"error decoding patch: json: cannot unmarshal {word} into Go value of type map[string]interface {{}}"
            )
        if chosen == STRATEGIC:
            return strategic.patched(kind, old, patch), repeated
        return merged(copied(old), patch), repeated

    def _malformed(self, fault: JsonFaultError) -> ApiError:
        return bad_request(f"error decoding patch: {fault}")


def unfit(kind: Kind, call: Call, value: Object, error: ApiError) -> ApiError:
    """A patched object that does not decode: 422 about the patch, which is quoted whole."""
    reason = error.message.partition(f"cannot be handled as a {kind.resource.kind}: ")[2] or error.message
    patch, _ = parse(call.body)
    if media_type(call) == STRATEGIC:
        shown = strategic.go_map(patch)
        wrong = re.search(r"json: cannot unmarshal \w+ into Go struct field \S+ of type (\w+)", reason)
        if wrong:
            reason = f"unrecognized type: {wrong[1]}"
    else:
        shown = compact(value if kind.custom else _patched_text(value, patch), custom=kind.custom).decode()
    cause = Cause("FieldValueInvalid", f"Invalid value: {go_quote(shown)}: {reason}", "patch")
    return invalid("", "", "", [cause])


def _patched_text(value: Object, patch: Any) -> Object:
    """A patched object with its members as Go's patch library leaves them: sorted where the patch went, else as they
    were written."""
    ways: dict[str, Any] = patch if isinstance(patch, dict) else {}
    for operation in patch if isinstance(patch, list) else ():
        way = ways
        for name in str(operation.get("path", "")).split("/")[1:]:
            way = way.setdefault(name, {})
    return dict(_sorted_along(ordered(value), ways))


def _sorted_along(value: Any, ways: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(ways, dict):
        return value
    return {name: _sorted_along(value[name], ways.get(name)) for name in sorted(value)}
