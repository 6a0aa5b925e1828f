"""Status conditions as Knative and KServe keep them: sorted by type, a time that moves with any change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    severity: str = ""


def known(value: Mapping[str, Any] | None, kind: str) -> Object | None:
    """A condition of an object as it stands."""
    for entry in ((value or {}).get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            found: Object = entry
            return found
    return None


def state(value: Mapping[str, Any] | None, kind: str) -> str:
    """A condition's status; Unknown when it is not there."""
    entry = known(value, kind)
    return entry["status"] if entry else "Unknown"


def is_true(value: Mapping[str, Any] | None, kind: str) -> bool:
    """Whether a condition holds for the object's present generation."""
    return state(value, kind) == "True"


def merge(value: Mapping[str, Any], wanted: Iterable[Condition], now: str) -> list[Object]:
    """The object's conditions after these; the ones not named go. `lastTransitionTime` moves on any change of status,
    reason or message (knative.dev/pkg/apis/condition_set.go)."""
    result = []
    for condition in sorted(wanted, key=lambda entry: entry.type):
        entry: Object = {"type": condition.type, "status": condition.status}
        for field in ("reason", "message", "severity"):
            text = getattr(condition, field)
            if text:
                entry[field] = text
        before = known(value, condition.type)
        same = before is not None and {k: v for k, v in before.items() if k != "lastTransitionTime"} == entry
        entry["lastTransitionTime"] = before["lastTransitionTime"] if same and before else now
        result.append(entry)
    return result


def summary(kind: str, parts: Iterable[Condition]) -> Condition:
    """The happy condition over others: the first False wins, then the first Unknown."""
    listed = list(parts)
    for word in ("False", "Unknown"):
        for part in listed:
            if part.status == word and not part.severity:
                return Condition(kind, word, part.reason, part.message)
    return Condition(kind, "True")
