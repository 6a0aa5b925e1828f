"""Built-in objects in Kubernetes' protobuf form, written: the envelope, and one message per Go struct.

As in the server's generated code, members that are not behind pointers are written even when they are zero, members go
out by rising number, and the members of maps by key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from clusters.embedded.api.go_fields import VARINTS, Member, is_known, is_list_alias, members, type_name
from clusters.embedded.api.protobuf import MAGIC
from clusters.embedded.api.status import Object


def encodable(value: Any) -> bool:
    """Whether a value has a protobuf form here."""
    return isinstance(value, dict) and is_known(type_name(str(value.get("apiVersion")), str(value.get("kind"))))


def encode(value: Object) -> bytes:
    """An object in its envelope. KeyError for a kind without a protobuf form."""
    api_version, kind = str(value["apiVersion"]), str(value["kind"])
    head = _text(1, api_version) + _text(2, kind)
    body = _message(value, type_name(api_version, kind))
    return MAGIC + _bytes(1, head) + _bytes(2, body) + _text(3, "") + _text(4, "")


def event(type_: str, value: Object) -> bytes:
    """A watch event: its length in four bytes, then a WatchEvent that carries the object in its envelope."""
    body = _text(1, type_) + _bytes(2, _bytes(1, encode(value)))
    return len(body).to_bytes(4, "big") + body


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    made = bytearray()
    while number >= 0x80:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


@cache
def _by_number(type_: str) -> tuple[Member, ...]:
    return tuple(sorted(members(type_), key=lambda member: member.number))


def _message(value: Any, type_: str) -> bytes:
    given = value if isinstance(value, dict) else {}
    parts = []
    for member in _by_number(type_):
        item: Any = given if member.inlined else given.get(member.name)
        if member.map:
            parts += [_bytes(member.number, _pair(key, item[key], member.type)) for key in sorted(item or ())]
        elif member.repeated:
            parts += [_single(member.number, one, member.type) for one in item or ()]
        elif item is not None or not member.pointer:
            parts.append(_single(member.number, item, member.type))
    return b"".join(parts)


def _pair(key: str, value: Any, type_: str) -> bytes:
    return _text(1, key) + _single(2, value, type_)


def _single(field: int, value: Any, type_: str) -> bytes:
    if type_ in VARINTS:
        return _number(field, int(value or 0))
    if type_ == "string":
        return _text(field, str(value or ""))
    if type_ == "bytes":
        return _bytes(field, base64.b64decode(value or ""))
    special = SPECIAL.get(type_)
    if special is not None:
        return _bytes(field, special(value))
    if is_list_alias(type_):
        return _bytes(field, b"".join(_text(1, str(one)) for one in value or ()))
    return _bytes(field, _message(value, type_))


def _time(value: Any) -> bytes:
    if not value:
        return b""
    moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return _number(1, int(moment.timestamp())) + _number(2, moment.microsecond * 1000)


def _quantity(value: Any) -> bytes:
    return _text(1, str("0" if value is None else value))


def _int_or_string(value: Any) -> bytes:
    if isinstance(value, str):
        return _number(1, 1) + _number(2, 0) + _text(3, value)
    return _number(1, 0) + _number(2, int(value or 0)) + _text(3, "")


def _raw_json(value: Any) -> bytes:
    return b"" if value is None else _bytes(1, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


SPECIAL: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "meta.Time": _time,
    "meta.MicroTime": _time,
    "api.resource.Quantity": _quantity,
    "util.intstr.IntOrString": _int_or_string,
    "meta.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
}
