"""PATCH: the four kinds of patches, each bringing an object from its old to its new state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.api import server_side_apply
from clusters.embedded.api.api_errors import ApiError, Object, bad_request, too_large
from clusters.embedded.api.api_errors import invalid as invalid_object
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
from clusters.embedded.api.structural_schema import EMPTY, Schema, child_schema
from clusters.embedded.api.write_handler import NAMESPACE_MISMATCH, Writer, check_uid

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
CUSTOM_PATCHES: Final = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
PATCHES: Final = (*CUSTOM_PATCHES, STRATEGIC_MERGE_PATCH)


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
        return strategic_patched(kind, old, patch)
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


PATCH: Final = "$patch"
ORDER: Final = "$setElementOrder/"
DELETE_PRIMITIVES: Final = "$deleteFromPrimitiveList/"
RETAIN: Final = "$retainKeys"

MERGE_KEYS: Final[Mapping[str, str]] = {"tolerations": "", "taints": "key", "conditions": "type"}
"""Members whose merge key differs from the first key of their list-map; empty for lists that are replaced."""


def strategic_patched(kind: Kind, old: Object, patch: dict[str, Any]) -> Any:
    """The object after the patch. Raises ApiError."""
    return _merge_maps(copied(old), patch, kind.full_schema)


def merge_key(name: str, schema: Schema) -> str:
    """The member that tells the items of a list apart; empty for a list that is replaced."""
    if name in MERGE_KEYS:
        return MERGE_KEYS[name]
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    return str(keys[0]) if keys and schema.get("x-kubernetes-list-type") == "map" else ""


def _merge_maps(live: dict[str, Any], patch: dict[str, Any], schema: Schema) -> dict[str, Any]:
    directive = patch.get(PATCH)
    if directive == "replace":
        return {name: copied(value) for name, value in patch.items() if name != PATCH}
    if directive == "delete":
        return {}
    if directive is not None:
        raise bad_request(f"unknown patch type: {directive}")
    if RETAIN in patch:
        _retain(live, patch)
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        below = child_schema(schema, name)
        if value is None:
            live.pop(name, None)
        elif isinstance(value, dict):
            held = live.get(name)
            live[name] = _merge_maps(held if isinstance(held, dict) else {}, value, below)
        elif isinstance(value, list):
            order = patch.get(ORDER + name)
            live[name] = _merge_lists(name, live.get(name), value, below, order)
        else:
            live[name] = value
    _lone_directives(live, patch, schema)
    return live


def _retain(live: dict[str, Any], patch: dict[str, Any]) -> None:
    """Keep only the listed members of the live value; the patch may set no others."""
    kept = patch[RETAIN]
    set_here = [name for name, value in patch.items() if value is not None and not name.startswith("$")]
    if not isinstance(kept, list) or any(name not in kept for name in set_here):
        raise bad_request("invalid patch format of retainKeys")
    for name in list(live):
        if name not in kept:
            del live[name]


def _lone_directives(live: dict[str, Any], patch: dict[str, Any], schema: Schema) -> None:
    for name, value in patch.items():
        if name.startswith(DELETE_PRIMITIVES):
            member = name.removeprefix(DELETE_PRIMITIVES)
            live[member] = [item for item in live.get(member) or () if item not in value]
        elif name.startswith(ORDER) and name.removeprefix(ORDER) not in patch:
            member = name.removeprefix(ORDER)
            key = merge_key(member, child_schema(schema, member))
            if live.get(member):
                live[member] = _ordered(live[member], value, key)


def _merge_lists(name: str, held: Any, patch: list[Any], schema: Schema, order: list[Any] | None) -> list[Any]:
    live = list(held) if isinstance(held, list) else []
    key = merge_key(name, schema)
    if not key and not (name == "finalizers" or schema.get("x-kubernetes-list-type") == "set"):
        return copied(patch)
    if not key:
        merged = live + [item for item in patch if item not in live]
        return _ordered(merged, order, "") if order else merged
    if any(isinstance(item, dict) and item.get(PATCH) == "replace" for item in patch):
        return [copied(item) for item in patch if not isinstance(item, dict) or item.get(PATCH) != "replace"]
    items = schema.get("items") or EMPTY
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"an item of {name} does not contain declared merge key: {key}")
        if item.get(PATCH) not in (None, "delete"):
            raise bad_request(f"unknown patch type: {item[PATCH]}")
    for item in patch:
        index = next((i for i, one in enumerate(live) if one.get(key) == item[key]), None)
        if item.get(PATCH) == "delete":
            live = [one for one in live if one.get(key) != item[key]]
        elif index is None:
            live.append(_merge_maps({}, item, items))
        else:
            live[index] = _merge_maps(live[index], item, items)
    return _ordered(live, order, key) if order else live


def _ordered(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Listed items in the listed order; the others stay behind the item they followed."""
    wanted = [entry.get(key) if key and isinstance(entry, dict) else entry for entry in order]

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    listed = sorted((item for item in items if identity(item) in wanted), key=lambda item: wanted.index(identity(item)))
    result = list(listed)
    for index, item in enumerate(items):
        if identity(item) in wanted:
            continue
        before = next((one for one in reversed(items[:index]) if one in result), None)
        result.insert(result.index(before) + 1 if before is not None else 0, item)
    return result
