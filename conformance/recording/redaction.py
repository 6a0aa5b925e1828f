"""Takes secrets and the names of a site out of what is recorded, at the moment of writing.

Secrets are gone for good. Names and private addresses become pseudonyms (`node-3`, `address-1`), the same one each
time, so that a story stays readable and pods on one node stay pods on one node. A home directory becomes `~`: it names
a user, and stands in the stack traces of whatever was built there. Loopback and documentation addresses stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from conformance.recording.shape import Json, JsonObject

SECRET: Final = "redacted"
SHORTEST: Final = 3
"""Names shorter than this are everyday words."""
EVERYWHERE: Final = ("localhost", "127.0.0.1", "::1", "example.com", "svc.cluster.local", "cluster.local")
"""Names that tell nothing about a site."""

_TOKENS: Final = (
    r"(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{8,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\bsha256~[A-Za-z0-9_-]{16,}",
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    r"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{20,}",
    r"(?<=arn:aws:)[^\s\"']*:[0-9]{12}:",
    r"(?P<key>\b(?i:password|passwd|client[_-]secret)\s*[=:]\s*[\"']?)[^\s\"'<{]{6,}",
)
_TOKEN: Final = re.compile("|".join(_TOKENS), re.DOTALL)
_ADDRESS: Final = re.compile(
    r"(?<![0-9.])(?:10\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|192\.168\.[0-9]{1,3}\.[0-9]{1,3}"
    r"|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9]{1,3}\.[0-9]{1,3}"
    r"|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.]*[0-9])"
    r"|(?<![0-9A-Fa-f:])[Ff][CcDd][0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{0,4}){2,7}"
)
_HOME: Final = re.compile(
    r"(?:(?<![A-Za-z0-9_./:~-])|(?<=\\[nt]))/(?:root|(?:home|Users)/[A-Za-z0-9_][A-Za-z0-9_.-]*)(?=/)"
)
"""Where a path begins; JSON writes the tab before one as two characters."""
_EDGES: Final = (r"(?<![A-Za-z0-9_-])", r"(?![A-Za-z0-9_-])")


class Redactor:
    """One for a whole run, so that its recordings share their pseudonyms."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = sorted({text for text in secrets if len(text) >= SHORTEST}, key=len, reverse=True)
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, kind: str, name: str) -> str:
        """Replace a name from now on; returns its pseudonym, or the name itself where it gives nothing away."""
        if len(name) < SHORTEST or name in EVERYWHERE or name in self._names.values():
            return name
        if name not in self._names:
            self._names[name] = self._next(kind)
            parts = sorted(self._names, key=len, reverse=True)
            self._pattern = re.compile(_EDGES[0] + "(?:" + "|".join(map(re.escape, parts)) + ")" + _EDGES[1])
        return self._names[name]

    def _next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"{kind}-{self._counts[kind]}"

    def text(self, text: str) -> str:
        """The text without secrets, learnt names, private addresses and home directories."""
        for secret in self._secrets:
            text = text.replace(secret, SECRET)
        text = _HOME.sub("~", text)
        text = _TOKEN.sub(lambda found: (found["bearer"] or found["key"] or "") + SECRET, text)
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._names[found[0]], text)
        return _ADDRESS.sub(lambda found: self._address(found[0]), text)

    def _address(self, address: str) -> str:
        if address not in self._names:
            # Found by its form, so it need not go into the pattern.
            self._names[address] = self._next("address")
        return self._names[address]

    def body(self, value: JsonObject) -> dict[str, Json]:
        """A JSON object with every text in it redacted, keys included."""
        return {self.text(str(key)): self._value(entry) for key, entry in value.items()}

    def _value(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.body(value)
        if isinstance(value, (list, tuple)):
            return [self._value(entry) for entry in value]
        return value
