"""Sets of fields: what server-side apply counts in. A set is a tree; its JSON form is `fieldsV1`.

The rules follow structured-merge-diff: members of maps are `f:name`, items of list-maps `k:{"key":"value"}`, members of
sets `v:"value"`, and `.` marks that a field with inner fields is itself in the set.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clusters.embedded.api.structural_schema import EMPTY, Schema, child_schema


@dataclass(slots=True)
class Fields:
    """One node: whether the field itself is in the set, and the sets below it."""

    member: bool = False
    children: dict[str, Fields] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.member or any(self.children.values())

    def at(self, key: str) -> Fields:
        """The node of an inner field, made if absent."""
        found = self.children.get(key)
        if found is None:
            found = self.children[key] = Fields()
        return found

    def body(self) -> dict[str, Any]:
        """The JSON form."""
        inner = {}
        for key in sorted(self.children):
            child = self.children[key]
            below = child.body() if child.children else {}
            if below or child.member:
                inner[key] = below
        return {".": {}, **inner} if self.member and inner else inner

    @classmethod
    def of(cls, body: Mapping[str, Any], *, top: bool = True) -> Fields:
        """From the JSON form."""
        node = cls(member="." in body or (not body and not top))
        for key, inner in body.items():
            if key != ".":
                node.children[key] = cls.of(inner, top=False) if inner else cls(True)
        return node

    def union(self, other: Fields) -> Fields:
        keys = dict.fromkeys((*self.children, *other.children))
        return Fields(
            self.member or other.member,
            {key: self.children.get(key, Fields()).union(other.children.get(key, Fields())) for key in keys},
        )

    def difference(self, other: Fields) -> Fields:
        """Without the fields of the other set, field by field."""
        if not other.children and not other.member:
            return self
        children = {}
        for key, child in self.children.items():
            left = child.difference(other.children[key]) if key in other.children else child
            if left:
                children[key] = left
        return Fields(self.member and not other.member, children)

    def intersection(self, other: Fields) -> Fields:
        children = {}
        for key, child in self.children.items():
            if key in other.children and (both := child.intersection(other.children[key])):
                children[key] = both
        return Fields(self.member and other.member, children)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """The members as texts: `.spec.list[k="y"].v`."""
        if self.member and prefix:
            yield prefix
        for key, child in sorted(self.children.items()):
            yield from child.paths(prefix + path_text(key))


def holds(body: Mapping[str, Any], wanted: Fields, *, top: bool = True) -> bool:
    """Whether a set in its JSON form has every field of another."""
    if wanted.member and not ("." in body or (not body and not top)):
        return False
    for key, child in wanted.children.items():
        inner = body.get(key)
        if inner is None:
            if child:
                return False
        elif not holds(inner, child, top=False):
            return False
    return True


def path_text(key: str) -> str:
    """One step of a path as error messages write it."""
    kind, text = key[0], key[2:]
    if kind == "f":
        return "." + text
    if kind == "k":
        pairs = ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(text).items())
        return f"[{pairs}]"
    return f"[={text}]" if kind == "v" else f"[{text}]"


def is_granular_map(schema: Schema) -> bool:
    return schema.get("x-kubernetes-map-type") != "atomic"


def list_kind(schema: Schema) -> str:
    return str(schema.get("x-kubernetes-list-type") or "atomic")


def item_key(item: Any, schema: Schema) -> str:
    """The path step of an item of a list-map or set."""
    if list_kind(schema) == "set":
        return "v:" + json.dumps(item, separators=(",", ":"), ensure_ascii=False)
    keys: dict[str, Any] = {}
    for name in sorted(schema.get("x-kubernetes-list-map-keys") or ()):
        if isinstance(item, dict) and name in item:
            keys[name] = item[name]
        else:
            default = child_schema(schema.get("items") or EMPTY, name).get("default")
            if default is not None:
                keys[name] = default
    return "k:" + json.dumps(keys, separators=(",", ":"), ensure_ascii=False)


def leaves(value: Any, schema: Schema, into: Fields) -> Fields:
    """The set of an applied configuration: its leaves, and the items of its list-maps."""
    if isinstance(value, dict) and value and is_granular_map(schema):
        for name, inner in value.items():
            leaves(inner, child_schema(schema, name), into.at("f:" + name))
    elif isinstance(value, list) and value and list_kind(schema) != "atomic":
        for item in value:
            node = into.at(item_key(item, schema))
            node.member = True
            leaves(item, schema.get("items") or EMPTY, node)
    else:
        into.member = True
    return into


def everything(value: Any, schema: Schema, into: Fields) -> None:
    """All fields of a value, inner nodes too."""
    into.member = True
    if isinstance(value, dict) and is_granular_map(schema):
        for name, inner in value.items():
            everything(inner, child_schema(schema, name), into.at("f:" + name))
    elif isinstance(value, list) and list_kind(schema) != "atomic":
        for item in value:
            everything(item, schema.get("items") or EMPTY, into.at(item_key(item, schema)))


def compare(old: Any, new: Any, schema: Schema) -> tuple[Fields, Fields]:
    """Field by field: what was added or modified, and what was removed."""
    changed, removed = Fields(), Fields()
    if not _same(old, new):
        _compare(old, new, schema, changed, removed)
    return changed, removed


def _same(old: Any, new: Any) -> bool:
    return old is new or (old == new and type(old) is type(new))


def _compare(old: Any, new: Any, schema: Schema, changed: Fields, removed: Fields) -> None:
    if isinstance(old, dict | None) and isinstance(new, dict) and is_granular_map(schema):
        _compare_maps(old or {}, new, schema, changed, removed)
    elif isinstance(old, list | None) and isinstance(new, list) and list_kind(schema) != "atomic":
        _compare_lists(old or [], new, schema, changed, removed)
    else:
        everything(new, schema, changed)
        changed.member = True


def _compare_maps(old: dict[str, Any], new: dict[str, Any], schema: Schema, changed: Fields, removed: Fields) -> None:
    for name, inner in new.items():
        if name not in old:
            everything(inner, child_schema(schema, name), changed.at("f:" + name))
        elif not _same(old[name], inner):
            key = "f:" + name
            _compare(old[name], inner, child_schema(schema, name), changed.at(key), removed.at(key))
    for name, inner in old.items():
        if name not in new:
            everything(inner, child_schema(schema, name), removed.at("f:" + name))


def _compare_lists(old: list[Any], new: list[Any], schema: Schema, changed: Fields, removed: Fields) -> None:
    items = schema.get("items") or EMPTY
    before = {item_key(item, schema): item for item in old}
    after = {item_key(item, schema): item for item in new}
    for key, item in after.items():
        if key not in before:
            everything(item, items, changed.at(key))
        elif not _same(before[key], item):
            _compare(before[key], item, items, changed.at(key), removed.at(key))
    for key, item in before.items():
        if key not in after:
            everything(item, items, removed.at(key))
