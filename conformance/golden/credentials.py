"""Who asks: recordings hide tokens, so each request gets one that stands for the same user here."""

from __future__ import annotations

import json
import re
from typing import Final

from clusters.embedded.api.auth import Tokens
from clusters.embedded.api.exchange import User
from clusters.embedded.api.rbac import ACCOUNT_PREFIX, account_groups
from conformance.golden.interaction import Interaction, Value

_USER: Final = re.compile(r'User "([^"]+)"')


class Credentials:
    """Tokens for the users of a recording."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.account = ""

    def headers(self, interaction: Interaction, admin: str) -> dict[str, str]:
        """The request's headers with credentials that work here."""
        self._know_reviewed_token(interaction)
        headers = {name: value for name, value in interaction.headers.items() if name != "authorization"}
        given = interaction.headers.get("authorization", "")
        answer = interaction.answer
        message = str(answer.get("message", "")) if isinstance(answer, dict) else ""
        found = _USER.search(message)
        if interaction.credentials == "none":
            return headers
        if interaction.credentials != "bearer":
            headers["authorization"] = f"Bearer {admin}"
        elif not given.startswith("Bearer"):
            headers["authorization"] = given
        elif interaction.status == 401:
            headers["authorization"] = "Bearer no-such-token"
        elif found and found[1] == "system:anonymous":
            headers["authorization"] = "Bearer "
        else:
            headers["authorization"] = f"Bearer {self._account_token(found[1] if found else '')}"
        return headers

    def _know_reviewed_token(self, interaction: Interaction) -> None:
        """A token that a review recognised; recordings hide tokens."""
        status = interaction.answer.get("status") if isinstance(interaction.answer, dict) else None
        if isinstance(status, dict) and status.get("authenticated") and isinstance(status.get("user"), dict):
            user = status["user"]
            extra = tuple((name, tuple(values)) for name, values in (user.get("extra") or {}).items())
            token = str((json_of(interaction.body).get("spec") or {}).get("token", ""))
            groups = tuple(user.get("groups") or ())
            self.tokens.add(token, User(user.get("username", ""), groups, user.get("uid", ""), extra))

    def _account_token(self, user: str) -> str:
        if user.startswith(ACCOUNT_PREFIX):
            self.account = user
        name = self.account or f"{ACCOUNT_PREFIX}apigold-auth:dev"
        token = f"token-of-{name}"
        if token not in self.tokens.known:
            self.tokens.add(token, User(name, account_groups(name)))
        return token


def json_of(body: bytes | None) -> Value:
    """A request's body as an object; an empty one for anything else."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
