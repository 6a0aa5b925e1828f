"""Validation of events: loose in the core group, strict in events.k8s.io, and in both for those with an event time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from clusters.embedded.api.conversion import EVENT_MEMBERS
from clusters.embedded.api.field_causes import invalid, required
from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.metadata_rules import qualified_name_faults
from clusters.embedded.api.status import Cause, Object

CORE_MEMBERS: Final = {new: old for old, new in EVENT_MEMBERS.items()}
WORD_LIMIT: Final = 128
NOTE_LIMIT_BYTES: Final = 1024
UNSET: Final = "needs to be unset"


def event(value: Object, old: Object | None) -> Iterator[Cause]:
    """Faults of an event in either group; fields are named as in the core group."""
    strict = str(value.get("apiVersion")).startswith("events.k8s.io/")
    core = {CORE_MEMBERS.get(name, name): item for name, item in value.items()} if strict else value
    if old is not None:
        return
    yield from _timed(core, strict=strict) if core.get("eventTime") else _untimed(core)
    if strict:
        yield from _strict(core)


def _untimed(core: Object) -> Iterator[Cause]:
    namespace, named = _namespaces(core)
    if named != namespace and not (not named and namespace == "default"):
        yield invalid("involvedObject.namespace", go_quote(named), "does not match event.namespace")


def _namespaces(core: Object) -> tuple[str, str]:
    return core["metadata"].get("namespace", ""), (core.get("involvedObject") or {}).get("namespace", "")


def _timed(core: Object, *, strict: bool) -> Iterator[Cause]:
    namespace, named = _namespaces(core)
    if not named and namespace not in ("default", "kube-system"):
        yield invalid("involvedObject.namespace", go_quote(named), "does not match event.namespace")
    controller = core.get("reportingComponent") or ""
    field = "reportingController" if strict else "reportingComponent"
    if not controller:
        yield required(field)
    yield from (invalid(field, go_quote(controller), text) for text in qualified_name_faults(controller))
    for name in ("reportingInstance", "action", "reason"):
        word = core.get(name) or ""
        if not word:
            yield required(name)
        if len(word) > WORD_LIMIT:
            yield invalid(name, '""', f"can have at most {WORD_LIMIT} characters")
    if len((core.get("message") or "").encode()) > NOTE_LIMIT_BYTES:
        yield invalid("message", '""', f"can have at most {NOTE_LIMIT_BYTES} bytes")


def _strict(core: Object) -> Iterator[Cause]:
    """What only the newer group asks for."""
    if not core.get("eventTime"):
        yield required("eventTime")
    type_ = core.get("type") or ""
    if type_ not in ("Normal", "Warning"):
        yield invalid("type", '""', f"has invalid value: {type_}")
    source: Any = core.get("source") or {}
    for name, is_set in (
        ("firstTimestamp", core.get("firstTimestamp")),
        ("lastTimestamp", core.get("lastTimestamp")),
        ("count", core.get("count")),
        ("source", source.get("component") or source.get("host")),
    ):
        if is_set:
            yield invalid(name, '""', UNSET)
