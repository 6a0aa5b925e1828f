"""Label and field selectors, parsed from their query form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.metadata_rules import label_value_faults, qualified_name_faults
from clusters.embedded.api.status import ApiError, bad_request


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
        """From `a=b,c!=d,e in (f,g),!h`. Raises ApiError BadRequest, worded as the server's parser words it."""
        return cls(tuple(_Parser(text).requirements()))


_TOKENS: Final = re.compile(r"[ \t\r\n]*(?:(?P<symbol>==|!=|=|!|,|\(|\)|>|<)|(?P<word>[^ \t\r\n!=,()<>]+))")
_OPERATORS: Final = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}
END: Final = ""


class _Parser:
    """Reads a selector token by token."""

    def __init__(self, text: str) -> None:
        self._tokens = [found["symbol"] or found["word"] for found in _TOKENS.finditer(text.rstrip(" \t\r\n"))]
        self._place = 0

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else END

    def _next(self) -> str:
        token = self._peek()
        self._place += 1
        return token

    def requirements(self) -> Iterator[Requirement]:
        if not self._tokens:
            return
        first = self._peek()
        if _is_symbol(first) and first != "!":
            raise bad_request(f"found '{first}', expected: !, identifier, or 'end of string'")
        while True:
            yield self._requirement()
            token = self._next()
            if token == END:
                return
            if token != ",":
                raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
            if _is_symbol(self._peek()) and self._peek() != "!":
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._next()
        key = self._next()
        if _is_symbol(key):
            raise _unparsed(f"found '{key}', expected: identifier")
        if faults := qualified_name_faults(key):
            raise _unparsed(f'<nil>: Invalid value: "{key}": {"; ".join(faults)}')
        if negated:
            return Requirement(key, "absent")
        if self._peek() in (END, ","):
            return Requirement(key, "exists")
        operator = self._next()
        if operator in ("in", "notin"):
            return self._checked(key, operator, self._values())
        if operator not in _OPERATORS:
            expected = "in, notin, =, ==, !=, gt, lt"
            raise _unparsed(f"found '{operator}', expected: {expected}")
        value = self._peek()
        if value in (END, ","):
            value = ""
        elif _is_symbol(value):
            raise _unparsed(f"found '{value}', expected: identifier")
        else:
            self._next()
        return self._checked(key, _OPERATORS[operator], (value,))

    def _checked(self, key: str, operator: str, values: tuple[str, ...]) -> Requirement:
        faults = []
        if operator in ("gt", "lt") and not re.fullmatch(r"[+-]?\d+", values[0]):
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            faults.append(f'values[0]: Invalid value: "{values[0]}": {text}')
        for index, value in enumerate(values):
            if found := label_value_faults(value):
                faults.append(f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(found)}')
        if faults:
            raise _unparsed(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
        return Requirement(key, operator, values)

    def _values(self) -> tuple[str, ...]:
        opening = self._next()
        if opening != "(":
            raise _unparsed(f"found '{opening}' expected: '('")
        first = self._peek()
        if first == ")":
            self._next()
            return ("",)
        if _is_symbol(first) and first != ",":
            raise _unparsed(f"found '{first}', expected: ',', ')' or identifier")
        found: set[str] = set()
        while True:
            token = self._next()
            following = self._peek()
            if token == ",":
                if not found or following in (",", ")"):
                    found.add("")
            elif _is_symbol(token):
                raise _unparsed(f"found '{token}', expected: ',', or identifier")
            else:
                found.add(token)
                if following not in (",", ")"):
                    raise _unparsed(f"found '{following}', expected: ',' or ')'")
            if following == ")":
                self._next()
                return tuple(sorted(found))


def _is_symbol(token: str) -> bool:
    return token in ("=", "==", "!=", "!", ",", "(", ")", ">", "<", END)


def _unparsed(text: str) -> ApiError:
    return bad_request(f"unable to parse requirement: {text}")
