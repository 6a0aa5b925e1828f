"""Bodies in Kubernetes' protobuf form, read: kubectl creates built-in objects with them and takes no refusal.

The types are in `protobuf_fields.json`, for each its fields: number → [member, type, flags]. Flags: r repeated, m map
with text keys, i inlined (its members stand among the type's own), p pointer. A zero that is not behind a pointer means
that the member was not set.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.structural_schema import load

MAGIC: Final = b"k8s\x00"
VARINTS: Final = ("bool", "int32", "int64", "uint32", "uint64")


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a message."""

    name: str
    type: str
    flags: str = ""


@cache
def _types() -> Mapping[str, Mapping[int, Field]]:
    return {
        name: {int(number): Field(*line) for number, line in fields.items()}
        for name, fields in load("protobuf_fields.json").items()
    }


def _type_name(api_version: str, kind: str) -> str:
    """`apps/v1`, `Deployment` → `apps.v1.Deployment`."""
    group, _, version = api_version.rpartition("/")
    return f"meta.{kind}" if kind == "DeleteOptions" else f"{(group or 'core').split('.')[0]}.{version}.{kind}"


class ProtobufError(ValueError):
    """The bytes are not an object in protobuf form."""


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ProtobufError("unexpected EOF")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _entries(data: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, integer or bytes) of a message."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value, place = _varint(data, place)
            yield key >> 3, value
        elif wire == 2:
            size, place = _varint(data, place)
            if place + size > len(data):
                raise ProtobufError("unexpected EOF")
            yield key >> 3, data[place : place + size]
            place += size
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ProtobufError(f"illegal wireType {wire}")


def decode(body: bytes) -> Object:
    """The object in a body. Raises ProtobufError."""
    if not body.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    head: dict[int, Any] = dict(_entries(body[len(MAGIC) :]))
    names = {number: _text(value) for number, value in _entries(head.get(1, b""))}
    api_version, kind = names.get(1, ""), names.get(2, "")
    name = _type_name(api_version, kind)
    if name not in _types():
        raise ProtobufError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(head.get(2, b""), name)}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _message(data: bytes, name: str) -> dict[str, Any]:
    fields = _types().get(name, {})
    made: dict[str, Any] = {}
    for number, raw in _entries(data):
        field = fields.get(number)
        if field is None:
            continue
        member, type_ = field.name, field.type
        if "m" in field.flags:
            made.setdefault(member, {}).update(_pair(raw, type_))
        elif "r" in field.flags:
            made.setdefault(member, []).append(_value(raw, type_))
        elif "i" in field.flags:
            made.update(_message(raw, type_))
        else:
            value = _value(raw, type_)
            if "p" in field.flags or value not in (None, "", 0, False, {}):
                made[member] = value
    return made


def _pair(raw: bytes, type_: str) -> dict[str, Any]:
    both = dict(_entries(raw))
    empty: Any = 0 if type_ in VARINTS else b""
    return {_text(both.get(1, b"")): _value(both.get(2, empty), type_)}


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
    return _message(raw, type_)


def _time(fields: dict[int, Any]) -> str | None:
    return datetime.fromtimestamp(fields[1], UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if fields.get(1) else None


def _int_or_string(fields: dict[int, Any]) -> int | str:
    return _text(fields.get(3, b"")) if fields.get(1) else int(_value(fields.get(2, 0), "int32"))


def _raw_json(fields: dict[int, Any]) -> Any:
    raw = fields.get(1, b"")
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise ProtobufError(str(error)) from None


SPECIAL: Final = {
    "meta.Time": _time,
    "meta.MicroTime": _time,
    "api.resource.Quantity": lambda fields: _text(fields.get(1, b"0")),
    "util.intstr.IntOrString": _int_or_string,
    "meta.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
}
