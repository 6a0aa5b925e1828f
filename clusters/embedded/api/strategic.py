"""Strategic merge patch: lists of built-in kinds merge by key, with directives inside the patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.api import managed
from clusters.embedded.api.fieldset import EMPTY, child_schema
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import ApiError, Object, bad_request
from clusters.embedded.api.values import copied

PATCH: Final = "$patch"
ORDER: Final = "$setElementOrder/"
DELETE_PRIMITIVES: Final = "$deleteFromPrimitiveList/"
RETAIN: Final = "$retainKeys"

MERGE_KEYS: Final[Mapping[str, str]] = {"tolerations": "", "taints": "key", "conditions": "type"}
"""Members whose merge key differs from the first key of their list-map; empty for lists that are replaced."""


def patched(kind: Kind, old: Object, patch: dict[str, Any]) -> Any:
    """The object after the patch. Raises ApiError."""
    return _merge_maps(copied(old), patch, managed.schema_for(kind))


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
        raise _unknown(directive, patch)
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
        return [copied(item) for item in patch if item.get(PATCH) != "replace"]
    items = schema.get("items") or EMPTY
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise _missing_key(item, key)
        _check_item_directive(item)
    if order is not None:
        _check_order(patch, order, key)
    for item in patch:
        index = next((i for i, one in enumerate(live) if one.get(key) == item[key]), None)
        if item.get(PATCH) == "delete":
            live = [one for one in live if one.get(key) != item[key]]
        elif index is None:
            live.append(_merge_maps({}, item, items))
        else:
            live[index] = _merge_maps(live[index], item, items)
    return _ordered(live, order, key) if order else live


def _check_item_directive(item: dict[str, Any]) -> None:
    directive = item.get(PATCH)
    if directive == "merge":
        raise ApiError("", "merging lists cannot yet be specified in the patch", code=500)
    if directive not in (None, "delete"):
        raise _unknown(directive, item)


def _check_order(patch: list[Any], order: list[Any], key: str) -> None:
    """What a patch sets must be listed in its order, and come in it. Raises ApiError."""
    wanted = [entry.get(key) if isinstance(entry, dict) else entry for entry in order]
    given = [item[key] for item in patch if item.get(PATCH) != "delete"]
    places = [wanted.index(one) if one in wanted else -1 for one in given]
    if -1 in places or places != sorted(places):
        raise ApiError(
            "",
            f"The order in patch list:\n{go_map(patch)}\n doesn't match $setElementOrder list:\n{go_map(order)}\n",
            code=500,
        )


def _unknown(directive: Any, patch: dict[str, Any]) -> ApiError:
    return ApiError("", f"unknown patch type: {directive} in map: {go_map(patch)}", code=500)


def _missing_key(item: Any, key: str) -> ApiError:
    shown = (
        " ".join(f"{name}:{go_map(value)}" for name, value in sorted(item.items())) if isinstance(item, dict) else item
    )
    text = f"map: map[{shown}] does not contain declared merge key: {key}"
    return ApiError("", text, code=500)


def go_map(value: Any) -> str:
    """A value as Go prints it: `map[spec:map[replicas:x]]`."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{go_map(inner)}" for name, inner in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go_map(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


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
