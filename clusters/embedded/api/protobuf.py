"""Bodies in Kubernetes' protobuf form, read: kubectl creates built-in objects with them and takes no refusal.

A zero that is not behind a pointer means that the member was not set.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from clusters.embedded.api.go_fields import VARINTS, by_number, is_known, is_list_alias, type_name
from clusters.embedded.api.status import Object

MAGIC: Final = b"k8s\x00"


class ProtobufFaultError(ValueError):
    """The bytes are not an object in protobuf form."""


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
                raise ProtobufFaultError("unexpected EOF")
            yield key >> 3, data[place : place + size]
            place += size
        elif wire in (1, 5):
            place += 8 if wire == 1 else 4
        else:
            raise ProtobufFaultError(f"illegal wireType {wire}")


def decode(body: bytes) -> Object:
    """The object in a body. Raises ProtobufFaultError."""
    if not body.startswith(MAGIC):
        raise ProtobufFaultError(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    head: dict[int, Any] = dict(_entries(body[len(MAGIC) :]))
    names = {number: _text(value) for number, value in _entries(head.get(1, b""))}
    api_version, kind = names.get(1, ""), names.get(2, "")
    name = type_name(api_version, kind)
    if not is_known(name):
        raise ProtobufFaultError(f'no kind "{kind}" is registered for version "{api_version}"')
    return {"apiVersion": api_version, "kind": kind, **_message(head.get(2, b""), name)}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _message(data: bytes, name: str) -> dict[str, Any]:
    fields = by_number(name)
    made: dict[str, Any] = {}
    for number, raw in _entries(data):
        field = fields.get(number)
        if field is None:
            continue
        member, type_ = field.name, field.type
        if field.map:
            made.setdefault(member, {}).update(_pair(raw, type_))
        elif field.repeated:
            made.setdefault(member, []).append(_value(raw, type_))
        elif field.inlined:
            made.update(_message(raw, type_))
        else:
            value = _value(raw, type_)
            if field.pointer or value not in (None, "", 0, False, {}):
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
    made = _message(raw, type_)
    return made.get("items", []) if is_list_alias(type_) else made


def _time(fields: dict[int, Any]) -> str | None:
    if not fields.get(1):
        return None
    return datetime.fromtimestamp(fields[1], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(fields: dict[int, Any]) -> str | None:
    if not fields.get(1):
        return None
    moment = datetime.fromtimestamp(fields[1], UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{int(fields.get(2, 0)) // 1000:06d}Z"


def _int_or_string(fields: dict[int, Any]) -> int | str:
    if fields.get(1):
        return _text(fields.get(3, b""))
    value: int = _value(fields.get(2, 0), "int32")
    return value


def _raw_json(fields: dict[int, Any]) -> Any:
    raw = fields.get(1, b"")
    try:
        return json.loads(raw) if raw else {}
    except ValueError as error:
        raise ProtobufFaultError(str(error)) from None


SPECIAL: Final = {
    "meta.Time": _time,
    "meta.MicroTime": _micro_time,
    "api.resource.Quantity": lambda fields: _text(fields.get(1, b"0")),
    "util.intstr.IntOrString": _int_or_string,
    "meta.FieldsV1": _raw_json,
    "runtime.RawExtension": _raw_json,
}
