"""JSON parsing that notices repeated members and words its errors as Go does."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

Duplicates = Sequence[str]
_LONE: Final = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which is no character."""


class JsonFaultError(ValueError):
    """The text is not JSON; the message is Go's."""


class _Node(dict[str, Any]):
    """An object that remembers which members were given twice."""

    repeated: tuple[str, ...] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    node = _Node(pairs)
    if len(node) != len(pairs):
        seen: set[str] = set()
        twice = []
        for name, _ in pairs:
            if name in seen and name not in twice:
                twice.append(name)
            seen.add(name)
        node.repeated = tuple(twice)
    return node


def parse(body: bytes) -> tuple[Any, Duplicates]:
    """The value, and the paths of repeated members. Raises JsonFaultError."""
    text = body.decode("utf-8", "replace")
    if not text.strip():
        raise JsonFaultError("unexpected end of JSON input")
    try:
        value = json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        raise JsonFaultError(_words(error, text)) from None
    repeated: list[str] = []
    return _plain(value, "", repeated), repeated


def _plain(value: Any, path: str, repeated: list[str]) -> Any:
    if isinstance(value, dict):
        here = [f"{path}.{name}" if path else name for name in getattr(value, "repeated", ())]
        repeated += here
        return {whole(name): _plain(item, f"{path}.{name}" if path else name, repeated) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]", repeated) for index, item in enumerate(value)]
    return whole(value) if isinstance(value, str) else value


def whole(text: str) -> str:
    """The text with the replacement character for what is none (Go's encoding/json unquote)."""
    return text if text.isascii() else _LONE.sub("\ufffd", text)


def _words(error: json.JSONDecodeError, text: str) -> str:
    rest = text[error.pos :]
    stripped = rest.lstrip()
    if not stripped or error.msg.startswith(("Unterminated string", "Invalid control character at")):
        return "unexpected end of JSON input"
    found = stripped[0]
    shown = f"'{found}'" if found not in "'\\" else f"'\\{found}'"
    places = {
        "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
        "Illegal trailing comma before end of object": "looking for beginning of object key string",
        "Expecting ':' delimiter": "after object key",
        "Expecting value": "looking for beginning of value",
        "Illegal trailing comma before end of array": "looking for beginning of value",
        "Extra data": "after top-level value",
    }
    where = places.get(error.msg)
    if where is None and error.msg == "Expecting ',' delimiter":
        where = "after array element" if _in_array(text[: error.pos]) else "after object key:value pair"
    return f"invalid character {shown} {where or 'looking for beginning of value'}"


def _in_array(text: str) -> bool:
    """Whether the innermost open bracket is a square one."""
    stack: list[str] = []
    quoted = escaped = False
    for character in text:
        if quoted:
            escaped, quoted = (not escaped and character == "\\"), quoted and (escaped or character != '"')
        elif character == '"':
            quoted = True
        elif character in "[{":
            stack.append(character)
        elif character in "]}" and stack:
            stack.pop()
    return bool(stack) and stack[-1] == "["
