"""What a recording tells of the objects on its server, so that a replay can start each request from the same state.

A recorded session misses whatever other clients and controllers did meanwhile. Every object seen in an answer is a
snapshot; before a request is replayed, the objects it concerns are brought to the last snapshot before it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conformance.golden.interaction import Interaction, Value

Place = tuple[str, str, str]
"""(apiVersion and kind, namespace, name)."""


def place_of(value: Value) -> Place:
    metadata = value["metadata"]
    kind = f"{value['apiVersion']}/{value['kind']}"
    return kind, str(metadata.get("namespace", "")), str(metadata["name"])


def is_object(value: Any) -> bool:
    """A whole object as stored: with identity and version, not cut."""
    if not isinstance(value, dict) or not isinstance(value.get("metadata"), dict):
        return False
    metadata = value["metadata"]
    if not metadata.get("uid") or not str(metadata.get("resourceVersion", "")).isdigit():
        return False
    kind = value.get("kind")
    return bool(value.get("apiVersion") and kind) and kind not in ("PartialObjectMetadata", "Scale", "Table")


def objects_in(value: Any) -> Iterator[Value]:
    """Whole objects in an answer: itself, or the items of a list."""
    if not isinstance(value, dict):
        return
    if is_object(value):
        yield value
        return
    items = value.get("items")
    if isinstance(items, list) and str(value.get("kind", "")).endswith("List"):
        name = str(value["kind"]).removesuffix("List")
        for item in items:
            if isinstance(item, dict):
                whole = {"apiVersion": value.get("apiVersion"), "kind": name, **item}
                if is_object(whole):
                    yield whole


def events_in(interaction: Interaction) -> Iterator[tuple[float, str, Value]]:
    """(seconds, type, object) of a recorded watch stream."""
    for seconds, line in interaction.stream or ():
        value = line
        if isinstance(line, str):
            try:
                value = json.loads(line)
            except ValueError:
                continue
        if isinstance(value, dict) and "type" in value and isinstance(value.get("object"), dict):
            yield seconds, str(value["type"]), value["object"]


def versions_in(value: Any) -> Iterator[int]:
    """Every resourceVersion in an answer."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "resourceVersion" and isinstance(item, str) and item.isdigit():
                yield int(item)
            else:
                yield from versions_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from versions_in(item)


_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$")


def times_in(value: Any) -> Iterator[str]:
    """Every RFC 3339 time in an answer."""
    if isinstance(value, dict):
        for item in value.values():
            yield from times_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from times_in(item)
    elif isinstance(value, str) and _TIME.match(value):
        yield value


@dataclass(slots=True)
class World:
    """Snapshots by place, in the order of their versions. None stands for an object known to be gone."""

    history: dict[Place, list[tuple[int, Value | None]]] = field(default_factory=dict)

    def learn(self, interaction: Interaction) -> None:
        """Take in what an answer shows."""
        dry = interaction.parameter("dryRun") == "All"
        if 200 <= interaction.status < 300 and not dry:
            for value in objects_in(interaction.answer):
                self._see(value, gone=interaction.method == "DELETE" and not _survives(value))
            self._learn_deletion(interaction)
        for _, type_, value in events_in(interaction):
            if is_object(value):
                self._see(value, gone=type_ == "DELETED")

    def _learn_deletion(self, interaction: Interaction) -> None:
        """A deletion answered with a Status tells by its uid what went."""
        answer = interaction.answer
        if interaction.method != "DELETE" or not isinstance(answer, dict) or answer.get("kind") != "Status":
            return
        uid = (answer.get("details") or {}).get("uid")
        for listed in self.history.values():
            version, value = listed[-1]
            if uid and value is not None and value["metadata"].get("uid") == uid:
                listed.append((version + 1, None))

    def _see(self, value: Value, *, gone: bool) -> None:
        version = int(value["metadata"]["resourceVersion"])
        listed = self.history.setdefault(place_of(value), [])
        if any(known == version for known, _ in listed):
            return
        listed.append((version, None if gone else value))
        listed.sort(key=lambda one: one[0])

    def knows(self, place: Place) -> bool:
        return place in self.history

    def at(self, place: Place, version: int | None = None) -> Value | None:
        """The snapshot at a version, the newest without one."""
        found: Value | None = None
        for known, value in self.history.get(place, ()):
            if version is None or known <= version:
                found = value
        return found

    def after(self, place: Place, version: int) -> Value | None:
        """The first snapshot later than a version."""
        return next((value for known, value in self.history.get(place, ()) if known > version and value), None)

    def of_kind(self, kind: str) -> Iterator[Place]:
        """Places of objects whose apiVersion and kind end so."""
        for place in list(self.history):
            if place[0] == kind or place[0].endswith(f"/{kind}"):
                yield place


def _survives(value: Value) -> bool:
    metadata = value["metadata"]
    return bool(metadata.get("deletionTimestamp"))
