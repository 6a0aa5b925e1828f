"""Status conditions as Knative and KServe keep them: sorted by type, a time that moves with any change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusCondition:
    """One condition. `status` is True, False or Unknown."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    severity: str = ""


def condition_of(value: Mapping[str, Any] | None, kind: str) -> Object | None:
    """A condition of an object as it stands."""
    for entry in ((value or {}).get("status") or {}).get("conditions") or ():
        if entry.get("type") == kind:
            found: Object = entry
            return found
    return None


def condition_status(value: Mapping[str, Any] | None, kind: str) -> str:
    """A condition's status; Unknown when it is not there."""
    entry = condition_of(value, kind)
    return entry["status"] if entry else "Unknown"


def is_true(value: Mapping[str, Any] | None, kind: str) -> bool:
    """Whether a condition holds for the object's present generation."""
    return condition_status(value, kind) == "True"


def merge(value: Mapping[str, Any], wanted: Iterable[StatusCondition], now: str) -> list[Object]:
    """The object's conditions after these; the ones not named go. `lastTransitionTime` moves on any change of status,
    reason or message (knative.dev/pkg/apis/condition_set.go)."""
    result = []
    for condition in sorted(wanted, key=lambda entry: entry.type):
        entry: Object = {"type": condition.type, "status": condition.status}
        for field in ("reason", "message", "severity"):
            text = getattr(condition, field)
            if text:
                entry[field] = text
        before = condition_of(value, condition.type)
        same = before is not None and {k: v for k, v in before.items() if k != "lastTransitionTime"} == entry
        entry["lastTransitionTime"] = before["lastTransitionTime"] if same and before else now
        result.append(entry)
    return result


def summary(kind: str, parts: Iterable[StatusCondition]) -> StatusCondition:
    """The happy condition over others: the first False wins, then the first Unknown."""
    listed = list(parts)
    for word in ("False", "Unknown"):
        for part in listed:
            if part.status == word and not part.severity:
                return StatusCondition(kind, word, part.reason, part.message)
    return StatusCondition(kind, "True")
