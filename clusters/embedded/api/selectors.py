"""Label and field selectors, parsed from their query form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.status import ApiError, bad_request

_SET: Final = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_PAIR: Final = re.compile(r"^(?P<key>[^\s!=,()<>]+)\s*(?P<operator>==|=|!=|>|<)\s*(?P<value>[^\s!=,()<>]*)$")
_KEY: Final = re.compile(r"^(?P<negated>!?)\s*(?P<key>[^\s!=,()]+)$")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition. Operators: in, notin, exists, absent, gt, lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator == "in":
            return value in self.values
        if self.operator == "notin":
            return value is None or value not in self.values
        if self.operator == "exists":
            return value is not None
        if self.operator == "absent":
            return value is None
        try:
            number, limit = int(value or ""), int(self.values[0])
        except ValueError:
            return False
        return number > limit if self.operator == "gt" else number < limit


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    @classmethod
    def matching(cls, labels: Mapping[str, str]) -> LabelSelector:
        return cls(tuple(Requirement(key, "in", (value,)) for key, value in labels.items()))

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """From `a=b,c!=d,e in (f,g),!h`. Raises ApiError BadRequest."""
        return cls(tuple(_requirement(part, text) for part in _split(text)))


def _split(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    parts.append(current)
    return [part.strip() for part in parts if part.strip()]


def _requirement(part: str, whole: str) -> Requirement:
    if found := _SET.match(part):
        values = tuple(sorted(value.strip() for value in found["values"].split(",")))
        return Requirement(found["key"], found["operator"], values)
    if found := _PAIR.match(part):
        operator = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}[found["operator"]]
        return Requirement(found["key"], operator, (found["value"],))
    if found := _KEY.match(part):
        return Requirement(found["key"], "absent" if found["negated"] else "exists")
    raise bad_selector(whole)


def bad_selector(text: str) -> ApiError:
    return bad_request(f"unable to parse requirement: {text}")
