"""Bodies in Kubernetes' protobuf form, read: kubectl creates built-in objects with them and takes no refusal.

`protobuf_fields.json` says for each type which number is which member, in what type, and whether it is repeated (r), a
map (m), inlined (i) or a pointer (p); a zero that is not behind a pointer means the member was not set.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from clusters.embedded.api.schema_data import load
from clusters.embedded.api.status import Object

MAGIC: Final = b"k8s\x00"
VARINTS: Final = ("bool", "int32", "int64", "uint32", "uint64")
Field = list[str]


class ProtobufFaultError(ValueError):
    """The bytes are not an object in protobuf form."""


@cache
def _types() -> Mapping[str, Mapping[str, Field]]:
    types: Mapping[str, Mapping[str, Field]] = load("protobuf_fields.json")
    return types


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ProtobufFaultError("unexpected EOF")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _entries(data: bytes) -> Iterator[tuple[str, Any]]:
    """(field number, integer or bytes) of a message."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield str(key >> 3), value
        elif wire == 2:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise ProtobufFaultError("unexpected EOF")
            yield str(key >> 3), data[place : place + size]
            place += size
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ProtobufFaultError(f"illegal wireType {wire}")


def _type_name(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    if kind == "DeleteOptions":
        return "meta.DeleteOptions"
    return f"{(group or 'core').split('.')[0]}.{version}.{kind}"


def decode(body: bytes) -> Object:
    """The object in a body. Raises ProtobufFaultError."""
    if not body.startswith(MAGIC):
        raise ProtobufFaultError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    head: dict[str, Any] = dict(_entries(body[len(MAGIC) :]))
    names = {number: _text(value) for number, value in _entries(head.get("1", b""))}
    api_version, kind = names.get("1", ""), names.get("2", "")
    name = _type_name(api_version, kind)
    if name not in _types():
        raise ProtobufFaultError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(head.get("2", b""), name)}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _message(data: bytes, name: str) -> dict[str, Any]:
    fields = _types()[name]
    made: dict[str, Any] = {}
    for number, raw in _entries(data):
        if number not in fields:
            continue
        member, type_, *rest = fields[number]
        flags = rest[0] if rest else ""
        if "m" in flags:
            made.setdefault(member, {}).update(_pair(raw, type_))
        elif "r" in flags:
            made.setdefault(member, []).append(_value(raw, type_))
        elif "i" in flags:
            made.update(_message(raw, type_))
        else:
            value = _value(raw, type_)
            if "p" in flags or value not in (None, "", 0, False, {}):
                made[member] = value
    return made


def _pair(raw: bytes, type_: str) -> dict[str, Any]:
    both = dict(_entries(raw))
    empty: Any = 0 if type_ in VARINTS else b""
    return {_text(both.get("1", b"")): _value(both.get("2", empty), type_)}


def _value(raw: Any, type_: str) -> Any:
    if type_ == "string":
        return _text(raw)
    if type_ == "bytes":
        return base64.b64encode(raw).decode()
    if type_ == "bool":
        return bool(raw)
    if type_ in VARINTS:
        return raw - (1 << 64) if raw >= 1 << 63 else raw
    special = SPECIAL.get(type_)
    if special is not None:
        return special(dict(_entries(raw)))
    made = _message(raw, type_)
    return made["items"] if list(_types()[type_].values()) == [["items", "string", "r"]] and made else made


def _time(fields: dict[str, Any]) -> str | None:
    if not fields.get("1"):
        return None
    return datetime.fromtimestamp(fields["1"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(fields: dict[str, Any]) -> str | None:
    if not fields.get("1"):
        return None
    moment = datetime.fromtimestamp(fields["1"], UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{int(fields.get('2', 0)) // 1000:06d}Z"


def _int_or_string(fields: dict[str, Any]) -> int | str:
    if fields.get("1"):
        return _text(fields.get("3", b""))
    value: int = _value(fields.get("2", 0), "int32")
    return value


def _raw_json(fields: dict[str, Any]) -> Any:
    raw = fields.get("1", b"")
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise ProtobufFaultError(str(error)) from None


SPECIAL: Final = {
    "meta.Time": _time,
    "meta.MicroTime": _micro_time,
    "api.resource.Quantity": lambda fields: _text(fields.get("1", b"0")),
    "util.intstr.IntOrString": _int_or_string,
    "meta.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
}
