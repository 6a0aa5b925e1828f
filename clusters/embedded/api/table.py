"""Tables: the server-side columns of `kubectl get`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from clusters.embedded.api import cells, cluster_cells, jsonpath
from clusters.embedded.api.durations import human_duration
from clusters.embedded.api.exchange import Call, ordered
from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.kinds import Column, Kind
from clusters.embedded.api.status import Object, bad_request

EVENTS = ("", "events")
NAME = Column("Name", format="name", description="Name of the object, unique in its namespace for its kind.")
AGE = Column("Created At", "date", ".metadata.creationTimestamp")
CUSTOM_AGE = Column("Age", "date", ".metadata.creationTimestamp")


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """The columns after Name; a custom kind without any shows its age."""
    if kind.custom:
        return kind.columns or (CUSTOM_AGE,)
    return cells.COLUMNS.get(kind.storage) or cluster_cells.COLUMNS.get(kind.storage) or (AGE,)


def definitions(kind: Kind) -> list[Object]:
    """`columnDefinitions`."""
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description or _description(kind, column),
            "priority": column.priority,
        }
        for column in _all_columns(kind)
    ]


def _all_columns(kind: Kind) -> tuple[Column, ...]:
    """Name first, but for events, where it is last and of little interest."""
    if kind.storage == EVENTS:
        return (*columns_of(kind), replace(NAME, priority=1))
    return (NAME, *columns_of(kind))


def _description(kind: Kind, column: Column) -> str:
    if kind.custom and column.path:
        return f"Custom resource definition column (in JSONPath format): {column.path}"
    return ""


def seconds_since(stamp: str, now_seconds: float) -> float:
    """From an RFC 3339 time until now. Raises ValueError."""
    return now_seconds - datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def age(stamp: Any, now_seconds: float) -> str:
    """How kubectl words a time in the past."""
    try:
        return human_duration(seconds_since(stamp, now_seconds))
    except (ValueError, AttributeError, TypeError):
        return "<unknown>"


def _custom_cell(column: Column, value: Object, now_seconds: float) -> Any:
    try:
        values = jsonpath.found(column.path, value)
    except ValueError:
        return None
    if not values or values[0] is None:
        return None
    if column.type == "date":
        return age(values[0], now_seconds)
    return _typed(column.type, values)


def _typed(type_: str, values: list[Any]) -> Any:
    first = values[0]
    if type_ == "integer":
        return int(first) if isinstance(first, int | float) and not isinstance(first, bool) else None
    if type_ == "number":
        return first if isinstance(first, int | float) and not isinstance(first, bool) else None
    if type_ == "boolean":
        return first if isinstance(first, bool) else None
    if len(values) == 1 and isinstance(first, str):
        return first
    return " ".join(_plain(value) for value in values)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_plain(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_plain(item) for item in value) + "]"
    return "" if value is None else str(value)


def _cells(kind: Kind, value: Object, now_seconds: float) -> list[Any]:
    name = cluster_cells.row_name(kind.storage, value)
    if kind.custom:
        return [name, *(_custom_cell(column, value, now_seconds) for column in columns_of(kind))]
    maker = cells.CELLS.get(kind.storage) or cluster_cells.CELLS.get(kind.storage)
    if maker is None:
        return [name, value["metadata"].get("creationTimestamp")]
    shown = maker(value, now_seconds)
    return [*shown, name] if kind.storage == EVENTS else [name, *shown]


def partial(value: Object, version: str = "v1") -> Object:
    """PartialObjectMetadata of an object."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": ordered({"metadata": value.get("metadata", {})})["metadata"],
    }


def included(call: Call) -> str:
    """What of each object goes into the rows: Metadata, Object, None, or empty for the first. Raises ApiError."""
    asked = call.one("includeObject")
    if asked not in ("", "Metadata", "Object", "None"):
        fault = f"includeObject: Invalid value: {go_quote(asked)}: must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f"Unable to convert to Table as requested: {fault}")
    return asked


def table(
    kind: Kind,
    values: Iterable[Object],
    metadata: Object,
    now_seconds: float,
    *,
    include: str = "",
    version: str = "v1",
    with_definitions: bool = True,
) -> Object:
    """A Table of objects. `include` is Metadata (default), Object or None."""
    rows = []
    for value in values:
        row: Object = {"cells": _cells(kind, value, now_seconds)}
        conditions = cells.row_conditions(kind, value)
        if conditions:
            row["conditions"] = conditions
        if include == "None":
            row["object"] = None
        elif include == "Object":
            row["object"] = value if kind.custom else ordered(value)
        else:
            row["object"] = partial(value, version)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": definitions(kind) if with_definitions else None,
        "rows": rows,
    }
