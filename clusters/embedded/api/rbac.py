"""Who may do what."""

from __future__ import annotations

from clusters.embedded.api.auth import MASTERS
from clusters.embedded.api.exchange import Call
from clusters.embedded.api.status import ApiError
from clusters.embedded.api.store import Store
from clusters.embedded.api.target import Target


class Authorizer:
    """Role-based decisions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check(self, call: Call, target: Target | None) -> None:
        """Raises ApiError Forbidden."""
        if MASTERS in call.user.groups or call.path in ("/version", "/healthz", "/livez", "/readyz"):
            return
        text = f'User "{call.user.name}" cannot {call.method.lower()} path "{call.path}"'
        raise ApiError("Forbidden", f"forbidden: {text}", details={})
