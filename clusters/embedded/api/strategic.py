"""Strategic merge patch."""

from __future__ import annotations

from typing import Any

from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.merge_patch import merged
from clusters.embedded.api.status import Object
from clusters.embedded.api.values import copied


def patched(kind: Kind, old: Object, patch: dict[str, Any]) -> Any:
    """The object after the patch."""
    return merged(copied(old), patch)
