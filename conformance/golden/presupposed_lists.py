"""The state a recorded list, table or page presupposes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.listing import read_token
from clusters.embedded.api.target import Target, parse
from clusters.embedded.api.values import copied
from conformance.golden.interaction import Interaction, Value
from conformance.golden.presupposed_words import labels_for
from conformance.golden.recorded_world import Place, World, objects_in, place_of

if TYPE_CHECKING:
    from conformance.golden.presupposed import Preparation


class Collections:
    """Brings the objects of a collection to the state before an interaction."""

    def __init__(self, states: Preparation) -> None:
        self._states = states
        self._fillers: list[tuple[Kind, tuple[str, str]]] = []

    def forget_fillers(self) -> None:
        """Take out what only stood for the rest of one list."""
        while self._fillers:
            self._states.store.drop(*self._fillers.pop())

    def look_ahead(self, interaction: Interaction, ahead: World) -> None:
        """Where nothing seen before tells how the objects of a list looked, the next that is seen does."""
        target = parse(interaction.path)
        kind = target and self._states.store.kinds.find(target.group, target.version, target.plural)
        if not target or not kind:
            return
        asked = interaction.parameter("continue")
        version = _shown_version(interaction)
        if asked and read_token(asked)[0] > 0:
            version = read_token(asked)[0]
        items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
        names = set(items) if items and all(isinstance(one, str) for one in items) else None
        rows, newest = _rows(interaction), max(_creations(interaction.answer), default="9")
        for place in list(ahead.of_kind(f"{kind.resource.api_version}/{kind.resource.kind}")):
            if (target.namespace and place[1] != target.namespace) or (rows and _row_of(rows, place) is None):
                continue
            if names is not None and place[2] not in names:
                continue
            known_then = any(known <= version for known, _ in ahead.history[place])
            value = ahead.at(place, version) if known_then else ahead.after(place, version)
            if value is None and known_then:
                self._states.store.drop(kind, (place[1], place[2]))
            elif value is not None and value["metadata"]["creationTimestamp"] <= newest:
                row = _row_of(rows, place) or {}
                metadata = (row.get("object") or {}).get("metadata") or value["metadata"]
                later = ahead.after(place, version) if row and not row.get("object") and known_then else None
                self._states.store.place(kind, {**(later or value), "metadata": metadata})
        self._ensure_more(interaction, kind, target)

    def prepare(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        prefix = f"{kind.resource.api_version}/{kind.resource.kind}"
        shown = _list_version(interaction)
        for place in list(self._states.world.of_kind(prefix)):
            if not target.namespace or place[1] == target.namespace:
                self._states.sync(place, self._states.world.at(place, shown))
        if interaction.status != 200 or interaction.stream is not None:
            return
        listed = {place_of(value): value for value in objects_in(interaction.answer)}
        for place, value in listed.items():
            held = self._states.store.peek(kind, (place[1], place[2]))
            if held is None or int(held["metadata"]["resourceVersion"]) < int(value["metadata"]["resourceVersion"]):
                self._states.sync(place, value)
        if interaction.method != "GET":
            return
        self._ensure_names(interaction, kind, target)
        self._ensure_rows(interaction, kind)
        items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
        if items == [] or (items and _is_whole(interaction)):
            for key in list(self._states.store.objects(kind.storage)):
                here: Place = (prefix, key[0], key[1])
                if here not in listed and (not target.namespace or key[0] == target.namespace):
                    self._states.store.drop(kind, key)
        self._ensure_past(interaction, kind, target)

    def _ensure_names(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        """A list cut to names: objects of these names, made so that they match the field selector."""
        items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
        if not items or not all(isinstance(one, str) for one in items):
            return
        held = {key[1]: key for key in self._states.store.objects(kind.storage)}
        more = (
            ["zzz-more"]
            if (interaction.answer.get("metadata") or {}).get("continue") and len(held) <= len(items)
            else []
        )
        spread = kind.resource.namespaced and not target.namespace
        for index, name in enumerate([*items, *more]):
            if name not in held:
                namespace = target.namespace or f"presupposed-{index:03}"
                if not spread and not target.namespace:
                    namespace = ""
                named = Target(target.group, target.version, target.plural, namespace, name)
                value = self._states.blank(interaction, kind, named)
                labels = labels_for(interaction.parameter("labelSelector"))
                if labels:
                    value["metadata"]["labels"] = labels
                for term in interaction.parameter("fieldSelector").split(","):
                    path, _, wanted = term.partition("=")
                    put(value, path.split("."), wanted)
                self._states.store.place(kind, value)
        whole = not any(interaction.parameter(one) for one in ("limit", "continue", "labelSelector"))
        if whole and interaction.parameter("resourceVersionMatch") != "Exact":
            for name, key in held.items():
                if name not in items and kind.resource.plural in ("namespaces", "nodes"):
                    self._states.store.drop(kind, key)

    def _ensure_more(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        """A page with others behind it: as many objects as it says are left, where fewer are known."""
        answer = interaction.answer
        metadata = answer.get("metadata") or {} if isinstance(answer, dict) else {}
        items = answer.get("items") or [] if isinstance(answer, dict) else []
        if not metadata.get("continue") or not items or not isinstance(items[-1], dict):
            return
        last = items[-1]["metadata"]
        held = [key for key in self._states.store.objects(kind.storage) if key[0] == last.get("namespace", "")]
        behind = sum(1 for key in held if key[1] > last["name"])
        for index in range(int(metadata.get("remainingItemCount") or 1) - behind):
            space = str(last.get("namespace", ""))
            named = Target(target.group, target.version, target.plural, space, f"{last['name']}-more-{index:03}")
            value = self._states.blank(None, kind, named)
            if last.get("labels"):
                value["metadata"]["labels"] = dict(last["labels"])
            self._states.store.place(kind, value)
            self._fillers.append((kind, (space, named.name)))

    def _ensure_rows(self, interaction: Interaction, kind: Kind) -> None:
        """A table: only the objects of its rows."""
        answer = interaction.answer
        if (
            not isinstance(answer, dict)
            or answer.get("kind") != "Table"
            or (answer.get("metadata") or {}).get("continue")
        ):
            return
        if interaction.parameter("labelSelector") or interaction.parameter("fieldSelector"):
            return
        target = parse(interaction.path)
        if target is None:
            return
        shown: set[tuple[str, str]] = set()
        for row in answer.get("rows") or ():
            name = str(row["cells"][-1 if kind.resource.plural == "events" else 0])
            metadata = (row.get("object") or {}).get("metadata") or {}
            key = (metadata.get("namespace") or target.namespace, name) if kind.resource.namespaced else ("", name)
            shown.add(key)
            if key not in self._states.store.objects(kind.storage):
                self._states.store.place(kind, self._of_row(interaction, kind, replace(target, name=name), row))
        for key in list(self._states.store.objects(kind.storage)):
            if key not in shown and (not target.namespace or key[0] == target.namespace):
                self._states.store.drop(kind, key)

    def _of_row(self, interaction: Interaction, kind: Kind, target: Target, row: Value) -> Value:
        value = self._states.blank(interaction, kind, target)
        if row.get("object"):
            value["metadata"] = copied(row["object"]["metadata"])
        if kind.resource.plural == "namespaces":
            value["status"] = {"phase": row["cells"][1]}
        return value

    def _ensure_past(self, interaction: Interaction, kind: Kind, target: Target) -> None:
        """A list of a past version: what it shows was there then."""
        token = interaction.parameter("continue")
        version = interaction.parameter("resourceVersion") if "Exact" in interaction.query_string else ""
        if token:
            version = str(read_token(token)[0])
        if not version.isdigit():
            return
        items = interaction.answer.get("items") or []
        names = {one if isinstance(one, str) else one["metadata"]["name"] for one in items}
        self._states.store.assume_present(kind, int(version), names)


def _list_version(interaction: Interaction) -> int | None:
    """The version a list or table shows; None for lists of past states, which the history tells."""
    if interaction.parameter("continue") or interaction.parameter("resourceVersionMatch") == "Exact":
        return None
    metadata = interaction.answer.get("metadata") if isinstance(interaction.answer, dict) else None
    text = str((metadata or {}).get("resourceVersion", ""))
    return int(text) if text.isdigit() else None


def _shown_version(interaction: Interaction) -> int:
    metadata = interaction.answer.get("metadata") if isinstance(interaction.answer, dict) else None
    text = str((metadata or {}).get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0


def _creations(answer: Any) -> Iterator[str]:
    """Creation times of the items of a list."""
    for item in (answer.get("items") or ()) if isinstance(answer, dict) else ():
        if isinstance(item, dict) and item.get("metadata", {}).get("creationTimestamp"):
            yield item["metadata"]["creationTimestamp"]


def _rows(interaction: Interaction) -> dict[tuple[str, str], Value]:
    """The rows of a table by namespace, empty where the row does not tell, and name; none for other answers."""
    answer = interaction.answer
    if not isinstance(answer, dict) or answer.get("kind") != "Table":
        return {}
    found = {}
    for row in answer.get("rows") or ():
        namespace = ((row.get("object") or {}).get("metadata") or {}).get("namespace") or ""
        for place in (0, -1):
            found[namespace, str(row["cells"][place])] = row
    return found


def _row_of(rows: dict[tuple[str, str], Value], place: Place) -> Value | None:
    return rows.get((place[1], place[2])) or rows.get(("", place[2]))


def put(value: Value, path: list[str], wanted: Any) -> None:
    """Set a member under a path of names; metadata is left alone."""
    if not path[0] or path[0] == "metadata":
        return
    for name in path[:-1]:
        value = value.setdefault(name, {})
    value[path[-1]] = wanted


def _is_whole(interaction: Interaction) -> bool:
    """A list of everything there was."""
    cut = ("limit", "continue", "labelSelector", "fieldSelector", "resourceVersionMatch")
    items = interaction.answer.get("items") if isinstance(interaction.answer, dict) else None
    return not any(interaction.parameter(name) for name in cut) and all(isinstance(one, dict) for one in items or ())
