"""The field manager: who set which field, in `metadata.managedFields`.

An update takes over what it changes; an apply owns what it sent. Both as structured-merge-diff and the API server's
field manager do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.field_set import Fields, compare
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

    @property
    def identity(self) -> tuple[str, str, str, str]:
        version = "" if self.operation == "Apply" else self.api_version
        return self.name, self.operation, version, self.subresource

    def body(self) -> Object:
        value: Object = {"manager": self.name, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            value["time"] = self.time
        value |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields.body()}
        if self.subresource:
            value["subresource"] = self.subresource
        return value

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
    return [
        Manager(
            entry.get("manager", ""),
            entry.get("operation", "Update"),
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
            entry.get("time") or "",
            Fields.of(entry.get("fieldsV1") or {}),
        )
        for entry in metadata.get("managedFields") or ()
    ]


def write(metadata: Object, managers: list[Manager]) -> None:
    """Put entries into an object, in the server's order."""
    kept = [manager for manager in managers if manager.fields]
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
    managers = managers_of(base)
    if changed or removed:
        take(managers, changed, removed)
        clear_unowned(changed, kind, subresource)
    if changed:
        entry = Manager(manager, "Update", kind.resource.api_version, subresource, now, changed)
        previous = next((one for one in managers if one.identity == entry.identity), None)
        if previous is not None:
            entry.fields = changed.union(previous.fields)
            managers.remove(previous)
        managers.append(entry)
    write(metadata, managers)


def take(managers: list[Manager], changed: Fields, removed: Fields, keep: Manager | None = None) -> None:
    """Everyone but `keep` loses what was changed or removed."""
    for manager in managers:
        if manager is not keep:
            manager.fields = manager.fields.difference(changed).difference(removed)
