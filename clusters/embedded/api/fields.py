"""Field selectors: equality on the few members each kind offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import ApiError, Object, bad_request
from clusters.embedded.api.values import at

SELECTABLE: Final[Mapping[Storage, tuple[str, ...]]] = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    ("", "events"): (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    ("", "namespaces"): ("status.phase",),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "secrets"): ("type",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "replicationcontrollers"): ("status.replicas",),
    ("apps", "replicasets"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
}

LABELLED: Final[frozenset[Storage]] = frozenset(SELECTABLE)
"""Built-in kinds with a converter of field labels of their own; they word the refusal differently."""

_TERM: Final = re.compile(r"^(?P<path>[^=!,]*?)(?P<operator>==|!=|=)(?P<value>.*)$")


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison."""

    path: str
    equal: bool
    value: str


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms must hold."""

    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, value: Object) -> bool:
        return all((text_at(value, term.path) == term.value) == term.equal for term in self.terms)

    def named(self, name: str) -> FieldSelector:
        return FieldSelector((*self.terms, Term("metadata.name", True, name)))

    def name(self) -> str:
        """The one name this selector is restricted to, if any."""
        return next((term.value for term in self.terms if term.path == "metadata.name" and term.equal), "")

    @classmethod
    def parse(cls, text: str, kind: Kind) -> FieldSelector:
        """Raises ApiError BadRequest on bad syntax or a member the kind does not offer."""
        terms = []
        for part in _split(text):
            found = _TERM.match(part)
            if not found:
                raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
            terms.append(Term(found["path"].strip(), found["operator"] != "!=", _unescaped(found["value"])))
        for term in terms:
            if term.path not in offered(kind):
                raise unsupported(kind, term.path)
        return cls(tuple(terms))


def offered(kind: Kind) -> tuple[str, ...]:
    """The members a kind can be selected by."""
    own = kind.selectable if kind.custom else SELECTABLE.get(kind.storage, ())
    return ("metadata.name", "metadata.namespace", *own)


def unsupported(kind: Kind, path: str) -> ApiError:
    if kind.custom or kind.storage in LABELLED:
        return bad_request(f"field label not supported: {path}")
    return bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')


def text_at(value: Object, path: str) -> str:
    """A member as the text it is compared as."""
    if path == "source":
        return str((value.get("source") or {}).get("component") or value.get("reportingComponent") or "")
    found = at(value, path.split("."))
    if isinstance(found, bool):
        return "true" if found else "false"
    if found is None and path in ("spec.unschedulable", "spec.hostNetwork"):
        return "false"
    return "" if found is None else str(found)


def _split(text: str) -> list[str]:
    parts, current, escaped = [], "", False
    for character in text:
        if escaped:
            current, escaped = current + character, False
        elif character == "\\":
            current, escaped = current + character, True
        elif character == ",":
            parts.append(current)
            current = ""
        else:
            current += character
    parts.append(current)
    return [part for part in parts if part]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
