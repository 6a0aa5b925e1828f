"""What a change means for an object's life: generation, status separation, deletion marks, owners."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, POD_STORAGE, Kind

DEFAULT_POD_GRACE_SECONDS: Final = 30

CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a deleted definition until its objects are gone."""

FINALIZER_OF: Final = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}

SYSTEM_METADATA: Final = (
    "uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion",
    "selfLink",
)  # fmt: skip


def _copy(member: str, source: Object, into: Object) -> None:
    """Make a member as it is in the source: there or not."""
    if member in source:
        into[member] = source[member]
    else:
        into.pop(member, None)


def merged_update(kind: Kind, old: Object, new: Object, subresource: str | None) -> Object:
    """The object after a write to itself (its status stays) or to /status (only the status goes in). Members of the
    server stay in either case. A status write to a built-in kind may also change labels and annotations."""
    value = new
    if subresource == "status":
        value = {**old, "metadata": dict(old["metadata"])}
        _copy("status", new, value)
        for member in ("labels", "annotations", "finalizers") if not kind.custom else ():
            _copy(member, new["metadata"], value["metadata"])
        if "managedFields" in new["metadata"]:
            value["metadata"]["managedFields"] = new["metadata"]["managedFields"]
    elif kind.status:
        _copy("status", old, value)
    for member in SYSTEM_METADATA:
        _copy(member, old["metadata"], value["metadata"])
    value["apiVersion"], value["kind"] = old["apiVersion"], old["kind"]
    return value


def bump_generation(kind: Kind, old: Object, new: Object) -> None:
    """Count a change of what the user asks for; labels and status do not count."""
    if not kind.generation:
        return
    ignored = ("metadata", "status", "apiVersion") if kind.status else ("metadata", "apiVersion")
    if any(old.get(name) != new.get(name) for name in {*old, *new} if name not in ignored):
        new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1


def timestamp(wall_seconds: float) -> str:
    """RFC 3339 with whole seconds, UTC."""
    return _second(int(wall_seconds))


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def grace_of(kind: Kind, value: Object, asked_seconds: int | None) -> int:
    """Seconds a deletion waits for a kubelet; only pods on a node have one."""
    if kind.storage != POD_STORAGE:
        return 0
    spec, phase = value.get("spec") or {}, (value.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    if asked_seconds is not None:
        return max(asked_seconds, 0)
    own = spec.get("terminationGracePeriodSeconds")
    return DEFAULT_POD_GRACE_SECONDS if own is None else int(own)


def marked_for_deletion(
    kind: Kind, old: Object, propagation: str, grace_seconds: int | None, wall_seconds: float
) -> Object | None:
    """The object with its deletion mark; None when nothing holds it and it goes at once."""
    metadata = dict(old["metadata"])
    finalizers = [one for one in metadata.get("finalizers") or () if one not in FINALIZER_OF.values()]
    if propagation in FINALIZER_OF:
        finalizers.append(FINALIZER_OF[propagation])
    if kind.storage == CRD_STORAGE and CLEANUP not in finalizers and "deletionTimestamp" not in metadata:
        finalizers.append(CLEANUP)
    grace = grace_of(kind, old, grace_seconds)
    if "deletionTimestamp" in metadata:
        left = metadata.get("deletionGracePeriodSeconds") or 0
        if grace == 0 and not metadata.get("finalizers") and kind.storage != NAMESPACE_STORAGE:
            return None
        if grace >= left:
            return old
    elif grace == 0 and not finalizers and kind.storage != NAMESPACE_STORAGE:
        return None
    else:
        if finalizers != (metadata.get("finalizers") or []):
            metadata["finalizers"] = finalizers
        if kind.generation:
            metadata["generation"] = metadata.get("generation", 1) + 1
    metadata["deletionTimestamp"] = timestamp(wall_seconds + grace)
    if kind.storage == NAMESPACE_STORAGE:
        return {**old, "metadata": metadata, "status": {**(old.get("status") or {}), "phase": "Terminating"}}
    metadata["deletionGracePeriodSeconds"] = grace
    return {**old, "metadata": metadata}


def is_finished(old: Object, new: Object) -> bool:
    """This change took the last thing that held a deleted object."""
    metadata = new["metadata"]
    if "deletionTimestamp" not in old["metadata"] or metadata.get("finalizers"):
        return False
    if (new.get("spec") or {}).get("finalizers") and new.get("kind") == "Namespace":
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def owner_uids(value: Object | None) -> set[str]:
    owners = value["metadata"].get("ownerReferences") if value is not None else ()
    return {owner["uid"] for owner in owners or () if owner.get("uid")}


def blocks(value: Object, owner_uid: str) -> bool:
    """A dependent that keeps its owner from ending a foreground deletion."""
    owners = value["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == owner_uid and owner.get("blockOwnerDeletion") for owner in owners)


def waits_in_foreground(value: Object) -> bool:
    metadata = value["metadata"]
    return "deletionTimestamp" in metadata and "foregroundDeletion" in (metadata.get("finalizers") or ())


def without_finalizer(value: Object, finalizer: str) -> Object:
    metadata = dict(value["metadata"])
    left = [one for one in metadata.get("finalizers") or () if one != finalizer]
    if left:
        metadata["finalizers"] = left
    else:
        metadata.pop("finalizers", None)
    return {**value, "metadata": metadata}
