"""Field selectors: equality on the few members each kind offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import ApiError, Object, bad_request
from clusters.embedded.api.values import at

INVOLVED: Final = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

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
        *(f"involvedObject.{name}" for name in INVOLVED),
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
    ("batch", "jobs"): ("status.successful",),
    ("certificates.k8s.io", "certificatesigningrequests"): ("spec.signerName",),
    ("resource.k8s.io", "resourceslices"): ("spec.nodeName", "spec.driver"),
}
"""Kinds with a converter of field labels of their own, by what it takes beside the name; the others know the name and
the namespace alone."""

EVENTS_GROUP: Final[Mapping[str, str]] = {
    **{f"regarding.{name}": f"involvedObject.{name}" for name in INVOLVED},
    "reportingController": "reportingComponent",
    "reason": "reason",
    "type": "type",
}
"""The labels of events.k8s.io and the members of the stored core Event they mean."""

ALIASES: Final[Mapping[Storage, Mapping[str, str]]] = {("", "pods"): {"spec.host": "spec.nodeName"}}

STORED_AS: Final[Mapping[str, str]] = {"status.successful": "status.succeeded"}
"""Labels that are not called as the member they mean."""

NEVER_SET: Final = ("status.podIPs",)
"""Taken, but empty on every object."""

EMPTY_TEXTS: Final[Mapping[str, str]] = {
    "spec.unschedulable": "false",
    "spec.hostNetwork": "false",
    "status.replicas": "0",
    "status.successful": "0",
}

_TERM: Final = re.compile(r"^(?P<path>.*?)(?P<operator>!=|==|=)(?P<value>.*)$", re.DOTALL)


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
        for part in sorted(_split(text)):
            found = _TERM.match(part)
            if not found:
                raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
            terms.append(Term(found["path"], found["operator"] != "!=", _unescaped(found["value"])))
        labels = offered(kind)
        for term in terms:
            if term.path not in labels:
                raise unsupported(kind, term.path)
        return cls(tuple(Term(labels[term.path], term.equal, term.value) for term in terms))


def offered(kind: Kind) -> dict[str, str]:
    """The labels a kind can be selected by, and the members they mean."""
    metadata = ["metadata.name"]
    if kind.custom or kind.storage not in SELECTABLE or kind.resource.namespaced:
        metadata.append("metadata.namespace")
    labels = {name: name for name in metadata}
    if kind.custom:
        return labels | {name: name for name in kind.selectable}
    if kind.resource.group == "events.k8s.io":
        return {**labels, **EVENTS_GROUP}
    own = {name: name for name in SELECTABLE.get(kind.storage, ())}
    return {**labels, **own, **ALIASES.get(kind.storage, {})}


def unsupported(kind: Kind, path: str) -> ApiError:
    """The refusal of a label, worded by the converter of the kind."""
    if kind.storage == ("batch", "jobs"):
        return bad_request(f"field label {go_quote(path)} not supported for Job")
    if kind.storage == ("resource.k8s.io", "resourceslices"):
        place = f"{kind.resource.api_version}, Kind={kind.resource.kind}"
        return bad_request(f"field label not supported for {place}: {path}")
    if kind.custom or kind.storage in SELECTABLE:
        return bad_request(f"field label not supported: {path}")
    return bad_request(f'{go_quote(path)} is not a known field selector: only "metadata.name", "metadata.namespace"')


def text_at(value: Object, path: str) -> str:
    """A member as the text it is compared as."""
    if path in NEVER_SET:
        return ""
    if path == "source":
        return str((value.get("source") or {}).get("component") or value.get("reportingComponent") or "")
    found = at(value, STORED_AS.get(path, path).split("."))
    if isinstance(found, bool):
        return "true" if found else "false"
    return EMPTY_TEXTS.get(path, "") if found is None else str(found)


def _split(text: str) -> list[str]:
    """Terms between commas that are not escaped; escapes stay."""
    return [part for part in re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL) if part]


def _unescaped(text: str) -> str:
    """A value without its escapes: of backslash, comma and equals sign. Raises ApiError BadRequest."""
    made, rest = [], iter(text)
    for character in rest:
        if character == "\\":
            following = next(rest, "")
            if following not in ("\\", ",", "=") or not following:
                raise bad_request(f"invalid field selector: invalid escape sequence: \\{following}")
            made.append(following)
        elif character in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(character)}")
        else:
            made.append(character)
    return "".join(made)
