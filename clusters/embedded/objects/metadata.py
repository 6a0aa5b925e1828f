"""An object's own description: its key, labels, annotations, owner, and times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

Object = dict[str, Any]


class ObjectKey(NamedTuple):
    """Which object; the namespace is empty for cluster-wide kinds."""

    namespace: str
    name: str


def key_of(value: Object) -> ObjectKey:
    """An object's own key."""
    return ObjectKey(value["metadata"].get("namespace", ""), value["metadata"]["name"])


def labels(value: Object) -> dict[str, str]:
    """An object's labels."""
    return value["metadata"].get("labels") or {}


def annotations_of(value: Object) -> dict[str, str]:
    """An object's annotations; none where it has no metadata yet."""
    return value.get("metadata", {}).get("annotations") or {}


def is_terminating(value: Object) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in value["metadata"]


def owner_references(owner: Object) -> list[Object]:
    """An owner reference as controllers set it."""
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def editable(value: Object) -> Object:
    """A copy whose metadata and spec take new members; everything below them is shared, and not to be changed."""
    return {**value, "metadata": dict(value["metadata"]), "spec": dict(value["spec"])}


def timestamp(wall: float) -> str:
    """Kubernetes' time text: whole seconds."""
    return _second(int(wall))


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> float:
    """Unix seconds of Kubernetes' time text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
