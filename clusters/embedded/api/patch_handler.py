"""PATCH: the four kinds of patches, each bringing an object from its old to its new state."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api import server_side_apply, strategic_merge
from clusters.embedded.api.body_decoding import (
    BODY_LIMIT_BYTES,
    BodyError,
    check_type,
    parse_json,
    settle,
    unsupported_media,
)
from clusters.embedded.api.field_errors import forbidden, invalid
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.query_options import WriteOptions, refused_option
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.status import ApiError, Object, bad_request, too_large
from clusters.embedded.api.status import invalid as invalid_object
from clusters.embedded.api.write_handler import NAMESPACE_MISMATCH, Writer, check_uid

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
CUSTOM_PATCHES: Final = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
PATCHES: Final = (*CUSTOM_PATCHES, STRATEGIC_MERGE_PATCH)
OPERATIONS_LIMIT: Final = 10_000


class Patcher:
    """PATCH on an object or a subresource."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def patch(self, request: Request, kind: Kind, info: RequestInfo) -> Response:
        """Raises ApiError."""
        accepted = CUSTOM_PATCHES if kind.custom else PATCHES
        if request.media_type not in accepted:
            raise unsupported_media(*accepted)
        if len(request.body) > BODY_LIMIT_BYTES:
            raise too_large(BODY_LIMIT_BYTES)
        options = WriteOptions.of(request, "PatchOptions")
        if request.media_type == APPLY_PATCH:
            return server_side_apply.apply(self._writer, request, kind, info, options)
        if "force" in request.query:
            raise refused_option("PatchOptions", forbidden("force", "may not be specified for non-apply patch"))
        old = self._writer.held(kind, info)
        value = self._settled(request, kind, old, patched(request, kind, old), options)
        return Response(200, value=self._writer.admit_change(request, kind, info, old, value, options))

    def _settled(self, request: Request, kind: Kind, old: Object, value: Any, options: WriteOptions) -> Object:
        """A patched object, checked as the body of an update. Raises ApiError."""
        if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict | None):
            raise bad_request("the patched object is not an object")
        check_type(kind, value)
        name = old["metadata"]["name"]
        try:
            settled = settle(request, kind, value, options.field_validation)
        except ApiError as error:
            cause = invalid("patch", request.body.decode("utf-8", "replace"), error.message)
            raise invalid_object("", "", "", [cause]) from None
        metadata = settled["metadata"]
        if metadata.get("name") != name:
            text = f"the name of the object ({metadata.get('name', '')}) does not match the name on the URL ({name})"
            raise bad_request(text)
        if metadata.get("namespace") != old["metadata"].get("namespace"):
            raise bad_request(NAMESPACE_MISMATCH)
        check_uid(kind, old, metadata)
        self._writer.check_version(kind, old, settled, needs_version=False)
        return settled


def patched(request: Request, kind: Kind, old: Object) -> Any:
    """The object after a patch that is no apply. Raises ApiError."""
    try:
        patch = parse_json(request.body)
    except BodyError as error:
        raise bad_request(f"error decoding patch: {error}") from None
    if request.media_type == JSON_PATCH:
        return json_patched(old, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: it is not an object")
    if request.media_type == STRATEGIC_MERGE_PATCH:
        return strategic_merge.patched(kind, old, patch)
    return merged(copied(old), patch)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396 JSON merge patch: null deletes a member, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def json_patched(old: Object, patch: Any) -> Any:
    """RFC 6902 JSON patch. As in the library that the API server uses, replacing an absent member adds it, testing one
    finds null, and list items may be counted from the end. Raises ApiError."""
    if not isinstance(patch, list):
        raise bad_request("error decoding patch: it is not a list of operations")
    if len(patch) > OPERATIONS_LIMIT:
        text = f"The allowed maximum operations in a JSON patch is {OPERATIONS_LIMIT}, got {len(patch)}"
        raise ApiError("RequestEntityTooLarge", text)
    value = copied(old)
    for operation in patch:
        try:
            _operate(value, operation)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            text = "the server rejected our request due to an error in our request"
            raise ApiError("Invalid", text, details={}) from error
    return value


def _operate(value: Any, operation: Any) -> None:
    """One operation, in place. Raises KeyError, IndexError, TypeError or ValueError for one that cannot be."""
    name, path = operation["op"], operation["path"]
    parent, key = _place(value, path)
    if name in ("add", "replace"):
        _put(parent, key, copied(operation.get("value")), insert=name == "add")
    elif name == "remove":
        del parent[key]
    elif name in ("move", "copy"):
        source, there = _place(value, operation["from"])
        held = copied(source[there] if isinstance(source, list) or name == "move" else source.get(there))
        if name == "move":
            del source[there]
            parent, key = _place(value, path)
        _put(parent, key, held, insert=True)
    elif name == "test":
        found = parent.get(key) if isinstance(parent, dict) else parent[key]
        if found != operation.get("value"):
            raise ValueError(f"test of {path} failed")
    else:
        raise ValueError(f"no operation {name}")


def _place(value: Any, path: str) -> tuple[Any, Any]:
    """What holds the last step of a pointer, and that step as a name or an index."""
    if not path.startswith("/"):
        raise KeyError(path)
    *steps, last = (name.replace("~1", "/").replace("~0", "~") for name in path[1:].split("/"))
    for name in steps:
        value = value[_step(value, name)]
    return value, _step(value, last)


def _step(held: Any, name: str) -> str | int:
    if not isinstance(held, list):
        return name
    return len(held) if name == "-" else int(name)


def _put(parent: Any, key: Any, item: Any, *, insert: bool) -> None:
    if not isinstance(parent, list):
        parent.update({key: item})
    elif not insert:
        parent[key] = item
    elif -len(parent) <= key <= len(parent):
        parent.insert(key, item)
    else:
        raise IndexError(key)
