"""The table convertor: the server-side columns of `kubectl get`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from clusters.embedded.api.api_errors import Object, bad_request
from clusters.embedded.api.kinds import AGE, Column, Kind
from clusters.embedded.api.request import Request
from clusters.embedded.api.table_columns import COMPUTED, age

NAME: Final = Column("Name", format="name", description="Name of the object, unique in its namespace for its kind.")
DEFAULT_COLUMNS: Final = (Column("Age", "date", AGE),)
EVENTS: Final = ("", "events")
INCLUDED: Final = ("", "Metadata", "Object", "None")


def _columns(kind: Kind) -> tuple[Column, ...]:
    """Name first, but for events, where it is of little interest; a kind without columns shows its age."""
    if kind.custom or kind.storage not in COMPUTED:
        return (NAME, *(kind.columns or DEFAULT_COLUMNS))
    listed = COMPUTED[kind.storage][0]
    return (*listed, replace(NAME, priority=1)) if kind.storage == EVENTS else (NAME, *listed)


def _definitions(kind: Kind) -> list[Object]:
    return [
        {
            "name": column.name,
            "type": "string" if column.type == "date" and not kind.custom else column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in _columns(kind)
    ]


def _cells(kind: Kind, value: Object, now: float) -> list[Any]:
    name = value["metadata"].get("name", "")
    if not kind.custom and kind.storage in COMPUTED:
        cells = COMPUTED[kind.storage][1](value, now)
        return [*cells, name] if kind.storage == EVENTS else [name, *cells]
    return [name, *(_cell(column, value, now) for column in _columns(kind)[1:])]


def _cell(column: Column, value: Object, now: float) -> Any:
    try:
        values = found(column.path, value)
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
        row: Object = {"cells": _cells(kind, value, now)}
        row["object"] = None if include == "None" else value if include == "Object" else partial(value, version)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": _definitions(kind) if with_definitions else None,
        "rows": rows,
    }


Step = Callable[[Any], list[Any]]

_TOKEN: Final = re.compile(
    r"""\.(?P<member>(?:[^.\[\]\\]|\\.)+)
      | \[\?\(\s*@(?P<filter>(?:\.[\w\-/]+)+)\s*(?P<operator>==|!=)\s*(?P<literal>'[^']*'|"[^"]*"|[^\s)]+)\s*\)\]
      | \[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]
      | \[(?P<index>-?\d+)\]
      | (?P<all>\[\*\]|\.\*)""",
    re.VERBOSE,
)


def found(path: str, value: Any) -> list[Any]:
    """All values under a path, with or without its braces. Raises ValueError on what this subset lacks."""
    values = [value]
    for step in _steps(path):
        values = [item for held in values for item in step(held)]
    return values


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[Step, ...]:
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    text = text if text[:1] in (".", "[", "") else "." + text
    steps: list[Step] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if not token:
            raise ValueError(f"JSONPath not understood at {text[position:]!r} in {path!r}")
        steps.append(_step(token))
        position = token.end()
    return tuple(steps)


def _step(token: re.Match[str]) -> Step:
    if token["all"] or token["member"] == "*":
        return lambda value: list(value.values()) if isinstance(value, dict) else _items(value)
    if token["index"]:
        index = int(token["index"])
        return lambda value: _items(value)[index : index + 1 or None]
    if token["filter"]:
        path, is_equal, literal = token["filter"], token["operator"] == "==", _literal(token["literal"])
        return lambda value: [one for one in _items(value) if ((found(path, one) or [None])[0] == literal) == is_equal]
    name = re.sub(r"\\(.)", r"\1", token["quoted"][1:-1] if token["quoted"] else token["member"])
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text
