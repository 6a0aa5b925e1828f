"""Strategic merge patch: lists of built-in kinds merge by key, with directives inside the patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.api.field_manager import schema_for
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object, bad_request
from clusters.embedded.api.structural_schema import EMPTY, Schema, child_schema

PATCH: Final = "$patch"
ORDER: Final = "$setElementOrder/"
DELETE_PRIMITIVES: Final = "$deleteFromPrimitiveList/"
RETAIN: Final = "$retainKeys"

MERGE_KEYS: Final[Mapping[str, str]] = {"tolerations": "", "taints": "key", "conditions": "type"}
"""Members whose merge key differs from the first key of their list-map; empty for lists that are replaced."""


def patched(kind: Kind, old: Object, patch: dict[str, Any]) -> Any:
    """The object after the patch. Raises ApiError."""
    return _merge_maps(copied(old), patch, schema_for(kind))


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
