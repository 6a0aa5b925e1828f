"""What a file of recorded interactions must look like; a file that does not is named with the member that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Final

from conformance.errors import SubmissionError

TEXT: Final = "a text"
OBJECT: Final = "an object"
LIST: Final = "a list"
WHOLE: Final = "a whole number"
NUMBER: Final = "a number"

TYPES: Final[Mapping[str, type | UnionType]] = {TEXT: str, OBJECT: dict, LIST: list, WHOLE: int, NUMBER: int | float}

HEAD: Final[Mapping[str, str]] = {"name": TEXT, "group": TEXT, "server": TEXT}
REQUEST: Final[Mapping[str, str]] = {"query": LIST, "headers": OBJECT, "credentials": TEXT}
RESPONSE: Final[Mapping[str, str]] = {
    "status": WHOLE,
    "headers": OBJECT,
    "stream": LIST,
    "stream_end": TEXT,
    "duration_s": NUMBER,
}


def check(path: str, content: Any) -> None:
    """Raises SubmissionError, with the place of the fault, for a file that holds no interactions."""
    _Checker(path).file(content)


class _Checker:
    def __init__(self, path: str) -> None:
        self._path = path

    def _refuse(self, place: str, text: str) -> SubmissionError:
        return SubmissionError(f"{self._path}: {place} {text}; give a file of interactions as recorded")

    def file(self, content: Any) -> None:
        if not isinstance(content, dict):
            raise self._refuse("the file", f"holds {_word(content)}, not an object")
        self._members("the file", content, HEAD)
        if "requests" not in content:
            self._pair("", content)
            return
        requests = self._typed("the file", content, "requests", LIST)
        for index, request in enumerate(requests):
            place = f"requests[{index}]"
            if not isinstance(request, dict):
                raise self._refuse(place, f"is {_word(request)}, not an object")
            self._request(place, request)
            if "response" in request:
                self._response(f"{place}.response", self._typed(place, request, "response", OBJECT))

    def _pair(self, place: str, content: dict[str, Any]) -> None:
        for member in ("request", "response"):
            if member not in content:
                raise self._refuse("the file", f"has no {member}")
        self._request("request", self._typed(place, content, "request", OBJECT))
        self._response("response", self._typed(place, content, "response", OBJECT))

    def _request(self, place: str, request: dict[str, Any]) -> None:
        for member in ("method", "path"):
            if member not in request:
                raise self._refuse(place, f"has no {member}")
            self._typed(place, request, member, TEXT)
        if not request["path"].startswith("/"):
            raise self._refuse(f"{place}.path", f"is {request['path']!r}, which does not begin with a slash")
        self._members(place, request, REQUEST)
        for index, pair in enumerate(request.get("query") or ()):
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
                raise self._refuse(f"{place}.query[{index}]", "is not a pair of texts")

    def _response(self, place: str, response: dict[str, Any]) -> None:
        self._members(place, response, RESPONSE)
        for index, line in enumerate(response.get("stream") or ()):
            here = f"{place}.stream[{index}]"
            if not isinstance(line, dict):
                raise self._refuse(here, f"is {_word(line)}, not an object")
            if "t" in line:
                self._typed(here, line, "t", NUMBER)
                if "line" not in line:
                    raise self._refuse(here, "has a time but no line")

    def _members(self, place: str, value: dict[str, Any], wanted: Mapping[str, str]) -> None:
        for member, type_ in wanted.items():
            if value.get(member) is not None:
                self._typed(place, value, member, type_)

    def _typed(self, place: str, value: dict[str, Any], member: str, type_: str) -> Any:
        found = value[member]
        if not isinstance(found, TYPES[type_]) or isinstance(found, bool):
            here = member if place in ("", "the file") else f"{place}.{member}"
            raise self._refuse(here, f"is {_word(found)}, not {type_}")
        return found


def _word(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
