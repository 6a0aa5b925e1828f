"""Built-in objects as Go's typed structs write them back: empty members left out or spelled out as their tags say.

A client sends `data: {}` and reads no `data`; it sends no `status` and reads the zeros that are always written. Stored
objects go through protobuf in a real server, so an empty list that is always written comes back as null.
"""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api.go_fields import Member, is_known, is_list_alias, members, type_name
from clusters.embedded.api.status import Object

ZEROS: Final = {"string": "", "bytes": None, "bool": False}
EMPTY_STRUCTS: Final = {
    "meta.Time": None,
    "meta.MicroTime": None,
    "api.resource.Quantity": "0",
    "util.intstr.IntOrString": 0,
    "runtime.RawExtension": None,
    "meta.FieldsV1": None,
}
"""Types that write themselves, and what they write when nothing was set."""


def written(value: Object) -> Object:
    """A built-in object as its Go type writes it; `metadata` is left as it is. Unknown kinds come back unchanged."""
    name = type_name(str(value.get("apiVersion")), str(value.get("kind")))
    if not is_known(name):
        return value
    head = {key: value[key] for key in ("kind", "apiVersion", "metadata") if key in value}
    made = _struct(value, name)
    made.pop("metadata", None)
    return head | made


def zero(name: str) -> Object:
    """What an empty struct of a type writes, without its metadata; empty for an unknown type."""
    made = _struct({}, name) if is_known(name) else {}
    made.pop("metadata", None)
    return made


def _struct(value: Any, name: str) -> Object:
    given = value if isinstance(value, dict) else {}
    made: Object = {}
    for member in members(name):
        if member.inlined:
            made |= _struct(given, member.type)
            continue
        item = given.get(member.name)
        if member.repeated or member.map:
            _put_many(made, member, item)
        elif member.is_scalar:
            _put_scalar(made, member, item)
        else:
            _put_struct(made, member, item)
    return made


def _put_many(made: Object, member: Member, item: Any) -> None:
    if not item:
        if member.always:
            made[member.name] = None
    elif member.map:
        made[member.name] = {key: _item(member, one) for key, one in item.items()}
    else:
        made[member.name] = [_item(member, one) for one in item]


def _item(member: Member, item: Any) -> Any:
    if item is None and member.is_scalar:
        return ZEROS.get(member.type, 0)
    if member.is_scalar or member.type in EMPTY_STRUCTS or is_list_alias(member.type) or not is_known(member.type):
        return item
    return _struct(item, member.type)


def _put_scalar(made: Object, member: Member, item: Any) -> None:
    if member.pointer:
        if item is not None or member.always:
            made[member.name] = item
    elif item:
        made[member.name] = item
    elif member.always:
        made[member.name] = ZEROS.get(member.type, 0)


def _put_struct(made: Object, member: Member, item: Any) -> None:
    name = member.name
    if item is None:
        if member.pointer:
            if member.always:
                made[name] = None
            return
        if member.omit_zero:
            return
        if member.type in EMPTY_STRUCTS:
            made[name] = EMPTY_STRUCTS[member.type]
            return
    if is_list_alias(member.type):
        if item:
            made[name] = item
        return
    if member.type in EMPTY_STRUCTS or not is_known(member.type):
        made[name] = item
        return
    made[name] = _struct(item, member.type)
