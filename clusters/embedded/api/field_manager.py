"""The field manager: who set which field, in `metadata.managedFields`.

An update takes over what it changes; an apply owns what it sent. Both as structured-merge-diff and the API server's
field manager do it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.field_set import Fields, compare, holds
from clusters.embedded.api.kinds import Kind

UNTRACKED_METADATA: Final = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


@dataclass(slots=True)
class Manager:
    """One entry of managedFields."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""
    time: str = ""
    fields: Fields = field(default_factory=Fields)
    written: Mapping[str, Any] | None = None
    """The fields as an object in the store already has them, until they are read."""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        version = "" if self.operation == "Apply" else self.api_version
        return self.name, self.operation, version, self.subresource

    def body(self) -> Object:
        value: Object = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            value["time"] = self.time
        value |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields.body() if self.written is None else self.written}
        if self.subresource:
            value["subresource"] = self.subresource
        return value

    def read(self) -> Fields:
        """The fields as a set; from what was written, which most changes leave as it is."""
        if self.written is not None:
            self.fields, self.written = Fields.of(self.written), None
        return self.fields

    def lose(self, gone: Fields) -> None:
        """Fields that are another's now. Where no inner field of theirs is here, there is nothing to read."""
        if self.written is None or not self.written.keys().isdisjoint(gone.children):
            self.fields = self.read().difference(gone)

    def words(self) -> str:
        """How a conflict names this manager."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        if self.operation == "Update":
            text += f" using {self.api_version}"
        return text


def same(old: Object, new: Object) -> bool:
    """Equal but for resourceVersion and the times in managedFields."""
    if old is new:
        return True
    if old.keys() != new.keys():
        return False
    for key, value in old.items():
        if key != "metadata" and new[key] != value:
            return False
    return _comparable(old["metadata"]) == _comparable(new["metadata"])


def _comparable(metadata: Object) -> Object:
    value = {key: item for key, item in metadata.items() if key not in ("resourceVersion", "managedFields") and item}
    value["managedFields"] = [
        {key: item for key, item in entry.items() if key != "time"} for entry in metadata.get("managedFields") or ()
    ]
    return value


def managers_of(metadata: Object) -> list[Manager]:
    """The entries of an object."""
    found = _as_written(metadata)
    for one in found:
        one.read()
    return found


def _as_written(metadata: Object) -> list[Manager]:
    """The entries of an object, whose fields nobody has read yet."""
    return [
        Manager(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            entry.get("time") or "",
            written=entry.get("fieldsV1") or {},
        )
        for entry in metadata.get("managedFields") or ()
    ]


def write(metadata: Object, managers: list[Manager]) -> None:
    """Put entries into an object, in the server's order."""
    kept = [manager for manager in managers if manager.written or (manager.written is None and manager.fields)]
    kept.sort(key=lambda one: (one.operation, one.time, one.name, one.api_version, one.subresource))
    if kept:
        metadata["managedFields"] = [manager.body() for manager in kept]
    else:
        metadata.pop("managedFields", None)


def tracked(value: Object) -> Object:
    """An object without the fields nobody can own."""
    metadata = {name: item for name, item in value.get("metadata", {}).items() if name not in UNTRACKED_METADATA}
    rest = {name: item for name, item in value.items() if name not in ("apiVersion", "kind", "metadata")}
    return {"metadata": metadata, **rest}


def clear_unowned(fields: Fields, kind: Kind, subresource: str) -> None:
    """Drop what a write through this endpoint cannot set."""
    for name in ("apiVersion", "kind"):
        fields.children.pop(f"f:{name}", None)
    metadata = fields.children.get("f:metadata")
    if metadata is not None:
        metadata.member = False
        for name in UNTRACKED_METADATA:
            metadata.children.pop(f"f:{name}", None)
        if not metadata:
            fields.children.pop("f:metadata")
    if subresource == "status":
        for name in list(fields.children):
            if name != "f:status" and (kind.custom or name != "f:metadata"):
                del fields.children[name]
    elif not subresource and kind.status:
        fields.children.pop("f:status", None)


def track(kind: Kind, old: Object | None, new: Object, manager: str, now: str, *, subresource: str = "") -> None:
    """Write down in `new` that `manager` set what changed since `old`.
    The entries sent count, since a client may hand fields over; an empty list is taken as not sent, one empty entry
    wipes them."""
    metadata = new["metadata"]
    given = metadata.get("managedFields")
    base = metadata if given and any(given) else {} if given else old["metadata"] if old is not None else {}
    before = tracked(old) if old is not None else {"metadata": {}}
    changed, removed = compare(before, tracked(new), kind.full_schema)
    # What the store wrote is in the server's order; what a client sent is put into it.
    stored = old is not None and base.get("managedFields") == old["metadata"].get("managedFields")
    managers = _as_written(base) if stored else managers_of(base)
    entry = Manager(manager, "Update", kind.resource.api_version, subresource, now, changed)
    previous = next((one for one in managers if one.identity == entry.identity), None)
    if previous is not None and changed and not removed and _is_owned(previous, changed, kind, subresource):
        take(managers, changed, removed, previous)
        previous.time = now
        write(metadata, managers)
        return
    if changed or removed:
        take(managers, changed, removed)
        clear_unowned(changed, kind, subresource)
    if changed:
        if previous is not None:
            entry.fields = changed.union(previous.read())
            managers.remove(previous)
        managers.append(entry)
    write(metadata, managers)


def _is_owned(manager: Manager, changed: Fields, kind: Kind, subresource: str) -> bool:
    """Whether a manager has all of these fields and may set each through this endpoint: only the time is new. So is
    nearly every status that a controller writes."""
    if manager.written is None or "f:metadata" in changed.children:
        return False
    status = "f:status" in changed.children
    if status and not subresource and kind.status:
        return False
    if subresource == "status" and (not status or len(changed.children) > 1):
        return False
    return holds(manager.written, changed)


def take(managers: list[Manager], changed: Fields, removed: Fields, keep: Manager | None = None) -> None:
    """Everyone but `keep` loses what was changed or removed."""
    for manager in managers:
        if manager is not keep:
            manager.lose(changed)
            manager.lose(removed)
