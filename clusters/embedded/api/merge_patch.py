"""RFC 7396 JSON merge patch."""

from __future__ import annotations

from typing import Any

from clusters.embedded.api.values import copied


def merged(target: Any, patch: Any) -> Any:
    """A new value: null deletes a member, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copied(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
