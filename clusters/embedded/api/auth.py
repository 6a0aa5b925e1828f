"""Authentication: bearer tokens to users."""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, field
from typing import Final

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.request import ANONYMOUS, Request, User

MASTERS: Final = "system:masters"
ADMIN: Final = User("admin", (MASTERS, "system:authenticated"))
ACCOUNT_PREFIX: Final = "system:serviceaccount:"


@dataclass(slots=True)
class Tokens:
    """Bearer tokens and whom they stand for."""

    known: dict[str, User] = field(default_factory=dict, repr=False)
    expiries: dict[str, float] = field(default_factory=dict, repr=False)
    """Wall seconds after which a token is no longer good; tokens not in here are good for ever."""

    def add(self, token: str, user: User, expires_wall_seconds: float = math.inf) -> None:
        self.known[token] = user
        self.expiries[token] = expires_wall_seconds

    def user_of(self, token: str, wall_seconds: float) -> User | None:
        """Compared in constant time, so that an answer's delay says nothing about a token."""
        found = None
        for known, user in self.known.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = user if self.expiries[known] > wall_seconds else None
        return found


def authenticate(request: Request, tokens: Tokens, wall_seconds: float) -> User:
    """The user of a request: anonymous without credentials. Raises ApiError Unauthorized for a bad token."""
    scheme, _, token = request.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return ANONYMOUS
    user = tokens.user_of(token.strip(), wall_seconds)
    if user is None:
        raise ApiError("Unauthorized", "Unauthorized")
    return user


def account_groups(name: str) -> tuple[str, ...]:
    """Groups of a service account's user, `system:serviceaccount:NAMESPACE:NAME`."""
    namespace = name.removeprefix(ACCOUNT_PREFIX).partition(":")[0]
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
