"""The part of JSONPath that printer columns use: members, quoted members, indexes, `*`, and filters by equality."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

Step = Callable[[Any], list[Any]]

_TOKEN: Final = re.compile(
    r"""\.(?P<member>(?:[^.\[\]\\]|\\.)+)
      | \[\?\(\s*@(?P<filter>(?:\.[\w\-/]+)+)\s*(?P<operator>==|!=)\s*(?P<literal>'[^']*'|"[^"]*"|[^\s)]+)\s*\)\]
      | \[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]
      | \[(?P<index>-?\d+)\]
      | (?P<all>\[\*\]|\.\*)""",
    re.VERBOSE,
)


@lru_cache(maxsize=1024)
def compiled(path: str) -> tuple[Step, ...]:
    """The steps of a path with or without its braces. Raises ValueError on what this subset lacks."""
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    if text and text[0] not in ".[":
        text = "." + text
    steps: list[Step] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise ValueError(f"JSONPath not understood at {text[position:]!r} in {path!r}")
        steps.append(_step(found))
        position = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["all"] or found["member"] == "*":
        return lambda value: (
            list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        )
    if found["index"]:
        return _index(int(found["index"]))
    if found["filter"]:
        return _filter(found["filter"].split(".")[1:], found["operator"], _literal(found["literal"]))
    name = found["quoted"][1:-1] if found["quoted"] else found["member"]
    return _member(re.sub(r"\\(.)", r"\1", name))


def _member(name: str) -> Step:
    return lambda value: [value[name]] if isinstance(value, dict) and name in value else []


def _index(index: int) -> Step:
    return lambda value: value[index : index + 1 or None] if isinstance(value, list) else []


def _literal(text: str) -> Any:
    if text[0] in "'\"":
        return text[1:-1]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _filter(path: list[str], operator: str, literal: Any) -> Step:
    def select(value: Any) -> list[Any]:
        chosen = []
        for item in value if isinstance(value, list) else []:
            found = item
            for name in path:
                found = found.get(name) if isinstance(found, dict) else None
            if (found == literal) == (operator == "=="):
                chosen.append(item)
        return chosen

    return select


def found(path: str, value: Any) -> list[Any]:
    """All values under a path."""
    values = [value]
    for step in compiled(path):
        values = [item for held in values for item in step(held)]
    return values
