"""The table convertor: the server-side columns of `kubectl get`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from clusters.embedded.api import jsonpath
from clusters.embedded.api.kinds import AGE, Column, Kind
from clusters.embedded.api.request import Request
from clusters.embedded.api.status import Object, bad_request
from clusters.embedded.api.table_columns import COMPUTED, age

NAME: Final = Column("Name", format="name", description="Name of the object, unique in its namespace for its kind.")
DEFAULT_COLUMNS: Final = (Column("Age", "date", AGE),)
INCLUDED: Final = ("", "Metadata", "Object", "None")


def _columns(kind: Kind) -> tuple[Column, ...]:
    """The columns after Name; a kind without any shows its age."""
    if not kind.custom and kind.storage in COMPUTED:
        return COMPUTED[kind.storage][0]
    return kind.columns or DEFAULT_COLUMNS


def _definitions(kind: Kind) -> list[Object]:
    return [
        {
            "name": column.name,
            "type": "string" if column.type == "date" and not kind.custom else column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in (NAME, *_columns(kind))
    ]


def _cells(kind: Kind, value: Object, now: float) -> list[Any]:
    name = value["metadata"].get("name", "")
    if not kind.custom and kind.storage in COMPUTED:
        return [name, *COMPUTED[kind.storage][1](value, now)]
    return [name, *(_cell(column, value, now) for column in _columns(kind))]


def _cell(column: Column, value: Object, now: float) -> Any:
    try:
        values = jsonpath.found(column.path, value)
    except ValueError:
        return None
    if not values or values[0] is None:
        return None
    first = values[0]
    if column.type == "date":
        return age(first, now)
    if column.type in ("integer", "number"):
        is_number = isinstance(first, int | float) and not isinstance(first, bool)
        return (int(first) if column.type == "integer" else first) if is_number else None
    if column.type == "boolean":
        return first if isinstance(first, bool) else None
    return " ".join(_plain(one) for one in values)


def _plain(value: Any) -> str:
    """A value as Go prints it: `map[a:1 b:[x y]]`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_plain(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_plain(item) for item in value) + "]"
    return "" if value is None else str(value)


def _conditions(value: Object) -> Object:
    """A finished pod is marked so that clients can hide it."""
    phase = (value.get("status") or {}).get("phase")
    if value.get("kind") != "Pod" or phase not in ("Succeeded", "Failed"):
        return {}
    return {"conditions": [{"type": "Completed", "status": "True", "reason": phase}]}


def partial(value: Object, version: str = "v1") -> Object:
    """PartialObjectMetadata of an object."""
    head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}"}
    return {**head, "metadata": value.get("metadata", {})}


def included(request: Request) -> str:
    """What of each object goes into the rows: Metadata, Object, None, or empty for the first. Raises ApiError."""
    asked = request.one("includeObject")
    if asked not in INCLUDED:
        raise bad_request(f"includeObject: Invalid value: {asked!r}: must be 'Metadata', 'Object', 'None', or empty")
    return asked


def table(
    kind: Kind,
    values: Iterable[Object],
    metadata: Object,
    now: float,
    *,
    include: str = "",
    version: str = "v1",
    with_definitions: bool = True,
) -> Object:
    """A Table of objects. `include` is Metadata (default), Object or None."""
    rows = []
    for value in values:
        row: Object = {"cells": _cells(kind, value, now), **_conditions(value)}
        row["object"] = None if include == "None" else value if include == "Object" else partial(value, version)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": _definitions(kind) if with_definitions else None,
        "rows": rows,
    }
