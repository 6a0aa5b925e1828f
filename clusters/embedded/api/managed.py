"""Who set which field: `metadata.managedFields`."""

from __future__ import annotations

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import Object


def same(old: Object, new: Object) -> bool:
    """Equal but for resourceVersion and the times in managedFields."""
    if old is new:
        return True
    if {key: value for key, value in old.items() if key != "metadata"} != {
        key: value for key, value in new.items() if key != "metadata"
    }:
        return False
    return _comparable(old["metadata"]) == _comparable(new["metadata"])


def _comparable(metadata: Object) -> Object:
    value = {key: item for key, item in metadata.items() if key not in ("resourceVersion", "managedFields") and item}
    value["managedFields"] = [
        {key: item for key, item in entry.items() if key != "time"} for entry in metadata.get("managedFields") or ()
    ]
    return value


def track(kind: Kind, old: Object | None, new: Object, manager: str, now: str, *, subresource: str = "") -> None:
    """Write down in `new` that `manager` set what changed."""
