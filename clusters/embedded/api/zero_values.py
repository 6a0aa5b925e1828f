"""The empty object of a built-in kind as its Go type serializes: members that are there even when nothing is set.

It is what a new object is compared with for field ownership, and what a bookmark carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clusters.embedded.api.go_fields import type_name
from clusters.embedded.api.go_structs import zero
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object
from clusters.embedded.api.values import copied

UNLISTED: Final[Mapping[Storage, Object]] = {
    ("apiextensions.k8s.io", "customresourcedefinitions"): {
        "spec": {"group": "", "names": {"plural": "", "kind": ""}, "scope": "", "versions": None},
        "status": {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": None},
    },
}
"""Kinds whose Go types are not in `go_fields.json`."""


def zero_value(kind: Kind) -> dict[str, Any]:
    """A fresh empty object of a kind, without metadata; custom kinds have nothing in it."""
    if kind.custom:
        return {}
    return copied(UNLISTED.get(kind.storage, {})) or zero(type_name(kind.resource.api_version, kind.resource.kind))
