"""Label and field selectors, parsed from their query form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.api_errors import Object, bad_request
from clusters.embedded.api.json_values import at
from clusters.embedded.api.kinds import POD_STORAGE, Kind
from clusters.embedded.api.object_meta import label_value_faults, qualified_name_faults


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition. Operators: in, notin, exists, absent."""

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
        return value is None


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """From `a=b,c!=d,e in (f,g),!h`. Raises ApiError BadRequest, also for keys and values that no label can
        have."""
        return cls(tuple(_requirements(text)))


_TERM: Final = re.compile(
    r"""\s*(?:(?P<absent>!)\s*(?P<gone>[^\s!=,()<>]+)
      | (?P<key>[^\s!=,()<>]+)\s*
        (?:(?P<operator>==|!=|=)\s*(?P<value>[^\s!=,()<>]*)
         | (?P<set>(?<=\s)(?:not)?in)\s*\((?P<values>[^()!=<>]*)\))?)\s*(?:,|$)""",
    re.VERBOSE,
)
_OPERATORS: Final = {"=": "in", "==": "in", "!=": "notin"}


def _requirements(text: str) -> Iterator[Requirement]:
    position = 0
    while position < len(text.rstrip()):
        found = _TERM.match(text, position)
        if not found:
            raise bad_request(f"unable to parse requirement: {text[position:].strip()!r} is not understood")
        position = found.end()
        if text[position - 1 : position] == "," and not text[position:].strip():
            raise bad_request("found '', expected: identifier after ','")
        yield _checked(_requirement(found))


def _requirement(found: re.Match[str]) -> Requirement:
    if found["absent"]:
        return Requirement(found["gone"], "absent")
    if found["set"]:
        values = tuple(sorted({one.strip() for one in found["values"].split(",")}))
        return Requirement(found["key"], found["set"], values)
    if found["operator"]:
        return Requirement(found["key"], _OPERATORS[found["operator"]], (found["value"],))
    return Requirement(found["key"], "exists")


def _checked(requirement: Requirement) -> Requirement:
    faults = qualified_name_faults(requirement.key)
    for value in requirement.values:
        faults += label_value_faults(value)
    if faults:
        shown = ",".join((requirement.key, *requirement.values))
        raise bad_request(f'unable to parse requirement: Invalid value: "{shown}": {"; ".join(faults)}')
    return requirement


METADATA_FIELDS: Final = ("metadata.name", "metadata.namespace")
STORED_AS: Final[Mapping[str, str]] = {"spec.host": "spec.nodeName", "status.successful": "status.succeeded"}
"""Fields that are not called as the member they mean."""
UNSET_AS: Final[Mapping[str, str]] = {"spec.unschedulable": "false", "status.successful": "0"}
"""What a member that is not there compares as, where not as an empty text."""

_FIELD_TERM: Final = re.compile(r"^(?P<path>.*?)(?P<operator>!=|==|=)(?P<value>.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One comparison."""

    path: str
    equal: bool
    value: str


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Equality on the few members each kind offers; all terms must hold."""

    terms: tuple[FieldTerm, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, value: Object) -> bool:
        return all((_text_at(value, term.path) == term.value) == term.equal for term in self.terms)

    @classmethod
    def parse(cls, text: str, kind: Kind) -> FieldSelector:
        """Raises ApiError BadRequest on bad syntax or a member the kind does not offer."""
        offered = {*METADATA_FIELDS, *kind.selectable, *(("spec.host",) if kind.storage == POD_STORAGE else ())}
        terms = []
        for part in re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL):
            found = _FIELD_TERM.match(part)
            if not found:
                raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
            if found["path"] not in offered:
                raise bad_request(f"field label not supported: {found['path']}")
            value = re.sub(r"\\(.)", r"\1", found["value"])
            terms.append(FieldTerm(found["path"], found["operator"] != "!=", value))
        return cls(tuple(terms))


def _text_at(value: Object, path: str) -> str:
    """A member as the text it is compared as."""
    if path == "source":
        return str((value.get("source") or {}).get("component") or value.get("reportingComponent") or "")
    found = at(value, STORED_AS.get(path, path).split("."))
    if isinstance(found, bool):
        return "true" if found else "false"
    return UNSET_AS.get(path, "") if found is None else str(found)
