"""The recorded tables of Knative 1.23's data path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "fixtures" / "golden" / "tables"


def table(name: str) -> dict[str, Any]:
    """One table: `cols` and `rows`, or `sequences`."""
    value: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return value


def rows(name: str) -> list[list[Any]]:
    """The rows of a table."""
    found: list[list[Any]] = table(name)["rows"]
    return found


def sequences(name: str) -> list[dict[str, Any]]:
    """The sequences of a table."""
    found: list[dict[str, Any]] = table(name)["sequences"]
    return found
