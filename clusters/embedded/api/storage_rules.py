"""Validation of volume claims and storage classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clusters.embedded.api.field_causes import forbidden, required
from clusters.embedded.api.status import Cause, Object

CLAIM_TEXT: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
)


def claim(value: Object, old: Object | None) -> Iterator[Cause]:
    spec = value.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    if "storage" not in ((spec.get("resources") or {}).get("requests") or {}):
        yield required("spec.resources[storage]")
    if old is not None and _fixed(spec) != _fixed(old.get("spec") or {}):
        yield forbidden("spec", CLAIM_TEXT)


def _fixed(spec: Object) -> Object:
    """What of a claim cannot change: all but its size and, once, its volume."""
    return {name: item for name, item in spec.items() if name not in ("resources", "volumeName")}


def storage_class(value: Object, old: Object | None) -> Iterator[Cause]:
    if not value.get("provisioner"):
        yield required("provisioner")
    if old is None:
        return
    for member in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        if value.get(member) != old.get(member):
            ending = "." if member in ("parameters", "provisioner", "reclaimPolicy") else ""
            yield forbidden(member, f"updates to {member} are forbidden{ending}")
