"""What a change means for an object's life: generation, status separation, deletion marks, owners."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from clusters.embedded.api.kinds import CRD_STORAGE, NAMESPACE_STORAGE, POD_STORAGE, Kind
from clusters.embedded.api.status import Object

DEFAULT_POD_GRACE_SECONDS: Final = 30

CLEANUP: Final = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a deleted definition until its objects are gone."""

FINALIZER_OF: Final = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}

SYSTEM_METADATA: Final = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "resourceVersion",
)


def merged_update(kind: Kind, old: Object, new: Object, subresource: str | None) -> Object:
    """The object after a write to itself (its status stays) or to /status (only the status goes in). Members of the
    server stay in either case. A status write to a built-in kind may also change labels and annotations."""
    value = new
    if subresource == "status":
        value = {**old, "metadata": dict(old["metadata"])}
        if "status" in new:
            value["status"] = new["status"]
        else:
            value.pop("status", None)
        if not kind.custom:
            for member in ("labels", "annotations", "finalizers"):
                if member in new["metadata"]:
                    value["metadata"][member] = new["metadata"][member]
                else:
                    value["metadata"].pop(member, None)
        if "managedFields" in new["metadata"]:
            value["metadata"]["managedFields"] = new["metadata"]["managedFields"]
    elif kind.status:
        if "status" in old:
            value["status"] = old["status"]
        else:
            value.pop("status", None)
    metadata = value["metadata"]
    for member in SYSTEM_METADATA:
        if member in old["metadata"]:
            metadata[member] = old["metadata"][member]
        else:
            metadata.pop(member, None)
    metadata.pop("selfLink", None)
    value["apiVersion"], value["kind"] = old["apiVersion"], old["kind"]
    return value


def bump_generation(kind: Kind, old: Object, new: Object) -> None:
    """Count a change of what the user asks for; labels and status do not count."""
    if not kind.generation:
        return
    if kind.custom:
        ignored = {"metadata", "status"} if kind.status else {"metadata"}
        before = {key: value for key, value in old.items() if key not in ignored}
        after = {key: value for key, value in new.items() if key not in ignored}
        changed = before != after
    else:
        changed = old.get("spec") != new.get("spec")
    if changed:
        new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1


def timestamp(wall_seconds: float) -> str:
    """RFC 3339 with whole seconds, UTC."""
    return datetime.fromtimestamp(int(wall_seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def grace_of(kind: Kind, value: Object, asked_seconds: int | None) -> int:
    """Seconds a deletion waits for a kubelet; only pods on a node have one."""
    if kind.storage != POD_STORAGE:
        return 0
    spec = value.get("spec") or {}
    if not spec.get("nodeName"):
        return 0
    if (value.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
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
    marked = {**old, "metadata": metadata}
    if kind.storage == CRD_STORAGE and "deletionTimestamp" not in old["metadata"]:
        return with_condition(marked, "Terminating", *DELETION_PENDING, metadata["deletionTimestamp"])
    metadata["deletionGracePeriodSeconds"] = grace
    return marked


DELETION_PENDING: Final = (
    "True",
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
)


def with_condition(value: Object, type_: str, status: str, reason: str, message: str, now: str) -> Object:
    """The object with a condition in its status set; the time of its last change only moves with its status."""
    before = value.get("status") or {}
    conditions = [dict(one) for one in before.get("conditions") or ()]
    found = next((one for one in conditions if one.get("type") == type_), None)
    if found is None:
        found = {"type": type_, "status": "", "lastTransitionTime": now}
        conditions.append(found)
    if found["status"] != status:
        found["lastTransitionTime"] = now
    found |= {"status": status, "reason": reason, "message": message}
    return {**value, "status": {**before, "conditions": conditions}}


def is_finished(old: Object, new: Object) -> bool:
    """This change took the last thing that held a deleted object."""
    metadata = new["metadata"]
    if "deletionTimestamp" not in old["metadata"] or metadata.get("finalizers"):
        return False
    if (new.get("spec") or {}).get("finalizers") and new.get("kind") == "Namespace":
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def owner_uids(value: Object | None) -> set[str]:
    if value is None:
        return set()
    return {owner["uid"] for owner in value["metadata"].get("ownerReferences") or () if owner.get("uid")}


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
