"""What an answer's own words tell of the state before it, for objects that a recording shows nowhere."""

from __future__ import annotations

import re
from typing import Any, Final

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import ApiError
from clusters.embedded.api.target import Target
from conformance.golden.interaction import Interaction, Value

BELOW_PODS: Final = ("attach", "exec", "log", "portforward")
_CHOICE: Final = re.compile(r"choose one of: \[([^\]]*)\]")
_WAITING: Final = re.compile(r"is waiting to start: (.*)$")
_QUOTA: Final = re.compile(r"exceeded quota: ([^,]+), requested: .*?, used: .*?, limited: (.*)$")
_PULLING: Final = {
    "trying and failing to pull image": "ImagePullBackOff",
    "image can't be pulled": "ErrImagePull",
}


def message_of(interaction: Interaction | None) -> str:
    answer = interaction.answer if interaction is not None else None
    return str(answer.get("message", "")) if isinstance(answer, dict) else ""


def add_told(value: Value, interaction: Interaction, kind: Kind, target: Target) -> None:
    """Complete a made-up object, in place, by what the interaction tells of it."""
    message = message_of(interaction)
    if "object is being deleted" in message:
        value["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
        value["metadata"].setdefault("finalizers", ["presupposed.example.com/held"])
    if kind.storage == ("", "pods") and target.subresource in BELOW_PODS:
        value |= _pod(interaction, message)
    if target.subresource == "scale" and isinstance(interaction.answer, dict):
        _add_scale(value, kind, interaction.answer)


def _pod(interaction: Interaction, message: str) -> Value:
    """A pod with the containers that an answer names."""
    choice = _CHOICE.search(message)
    names = choice[1].split() if choice else ["main"]
    asked = interaction.parameter("container")
    if asked and not choice and "is not valid" not in message:
        names = [asked]
    waiting = _WAITING.search(message)
    state: Value = {"running": {}}
    if waiting:
        state = {"waiting": {"reason": _PULLING.get(waiting[1], waiting[1])}}
    statuses = [{"name": name, "state": state} for name in names]
    spec = {"nodeName": "presupposed", "containers": [{"name": name} for name in names]}
    return {"spec": spec, "status": {"phase": "Running", "containerStatuses": statuses}}


def _add_scale(value: Value, kind: Kind, answer: Value) -> None:
    if answer.get("kind") != "Scale" or kind.scale is None:
        return
    status = answer.get("status") or {}
    pairs = dict(part.partition("=")[::2] for part in str(status.get("selector", "")).split(",") if part)
    selector: Any = {"matchLabels": pairs} if kind.scale.selector == ("spec", "selector") else status.get("selector")
    for path, item in (
        (kind.scale.spec_replicas, (answer.get("spec") or {}).get("replicas")),
        (kind.scale.status_replicas, status.get("replicas")),
        (kind.scale.selector, selector if status.get("selector") else None),
    ):
        if path and item is not None:
            held = value
            for name in path[:-1]:
                held = held.setdefault(name, {})
            held[path[-1]] = item


def quota_of(message: str) -> tuple[str, Value] | None:
    """Name and hard limits of the quota that a refusal names."""
    found = _QUOTA.search(message)
    if not found:
        return None
    hard = dict(part.partition("=")[::2] for part in found[2].split(","))
    return found[1], {"hard": hard}


def labels_for(selector: str) -> dict[str, str]:
    """Labels that a label selector matches, as far as it asks for some."""
    try:
        requirements = LabelSelector.parse(selector).requirements
    except ApiError:
        return {}
    made = {}
    for one in requirements:
        if one.operator in ("in", "exists"):
            made[one.key] = one.values[0] if one.values else "presupposed"
    return made
