"""What the public Go types of the built-in kinds say about their members, from `go_fields.json`.

For each type: protobuf number → [member, type, flags]. Flags: r repeated, m map with text keys, i inlined (its members
stand among the type's own), p pointer, z written even when empty (the JSON tag has no omitempty), o left out when zero
(omitzero), which matters for structs and times, as omitempty has no effect on those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from clusters.embedded.api.schema_data import load

SCALARS: Final = ("string", "bytes", "bool", "int32", "int64", "uint32", "uint64")
META_KINDS: Final = ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status")
VARINTS: Final = ("bool", "int32", "int64", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a Go struct."""

    number: int
    name: str
    type: str
    repeated: bool = False
    map: bool = False
    inlined: bool = False
    pointer: bool = False
    always: bool = False
    omit_zero: bool = False

    @property
    def is_scalar(self) -> bool:
        return self.type in SCALARS


@cache
def _loaded() -> Mapping[str, Mapping[str, list[str]]]:
    types: Mapping[str, Mapping[str, list[str]]] = load("go_fields.json")
    return types


def is_known(type_: str) -> bool:
    """Whether there is a type of this name."""
    return type_ in _loaded()


@cache
def members(type_: str) -> tuple[Member, ...]:
    """The members of a type in the order of its Go struct. KeyError for an unknown type."""
    made = []
    for number, (name, inner, *rest) in _loaded()[type_].items():
        flags = rest[0] if rest else ""
        given = ("r" in flags, "m" in flags, "i" in flags, "p" in flags, "z" in flags, "o" in flags)
        made.append(Member(int(number), name, inner, *given))
    return tuple(made)


@cache
def by_number(type_: str) -> Mapping[int, Member]:
    """The members of a type by their protobuf numbers."""
    return {member.number: member for member in members(type_)}


@cache
def is_list_alias(type_: str) -> bool:
    """A named list of texts, which protobuf wraps into a message of its own."""
    found = members(type_) if is_known(type_) else ()
    return len(found) == 1 and found[0].name == "items" and found[0].type == "string" and found[0].repeated


def type_name(api_version: str, kind: str) -> str:
    """The Go type of a kind: `apps/v1`, `Deployment` → `apps.v1.Deployment`."""
    group, _, version = api_version.rpartition("/")
    if (api_version == "v1" and kind in META_KINDS) or kind == "DeleteOptions" or group == "meta.k8s.io":
        return f"meta.{kind}"
    return f"{(group or 'core').split('.')[0]}.{version}.{kind}"
