"""Who asks: bearer tokens to users."""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from clusters.embedded.api.exchange import Call, User
from clusters.embedded.api.status import ApiError

ADMIN: Final = User("admin", ("system:masters", "system:authenticated"))
ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))
MASTERS: Final = "system:masters"


@dataclass(slots=True)
class Tokens:
    """Bearer tokens and whom they stand for."""

    known: dict[str, User] = field(default_factory=dict, repr=False)
    expiries: dict[str, float] = field(default_factory=dict, repr=False)
    """Wall seconds after which a token is no longer good; tokens not in here are good for ever."""
    wall: Callable[[], float] = time.time

    def add(self, token: str, user: User, expires_wall_seconds: float | None = None) -> None:
        self.known[token] = user
        if expires_wall_seconds is not None:
            self.expiries[token] = expires_wall_seconds

    def user_of(self, token: str) -> User | None:
        """Compared in constant time, so that an answer's delay says nothing about a token."""
        found = None
        for known, user in self.known.items():
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = user if self.expiries.get(known, math.inf) > self.wall() else None
        return found


def authenticate(call: Call, tokens: Tokens) -> User:
    """The user of a request: anonymous without credentials. Raises ApiError Unauthorized for a bad token."""
    header = call.header("authorization")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return ANONYMOUS
    user = tokens.user_of(token.strip())
    if user is None:
        raise ApiError("Unauthorized", "Unauthorized")
    return user
