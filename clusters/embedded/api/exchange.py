"""A request as the API handlers see it, and what they answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from clusters.embedded.api.status import Object

CACHE_PRIVATE: Final = "no-cache, private"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(slots=True)
class Call:
    """One HTTP request. Header names are lower case; `warnings` gathers 299 texts for the answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    user: User = field(default_factory=lambda: User("system:anonymous", ("system:unauthenticated",)))
    warnings: list[str] = field(default_factory=list)

    def one(self, name: str, otherwise: str = "") -> str:
        """The first value of a query parameter."""
        return (self.query.get(name) or [otherwise])[0]

    def has(self, name: str) -> bool:
        return name in self.query

    def flag(self, name: str) -> bool:
        """A boolean query parameter as Go's strconv reads it; present and empty counts as true."""
        if name not in self.query:
            return False
        return self.query[name][0].lower() not in ("0", "false", "f")

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def warn(self, text: str) -> None:
        """Add a Warning header, once per text."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(slots=True)
class Reply:
    """An answer: `value` is encoded as the client accepts it, `raw` goes out as it is, `stream` piece by piece."""

    status: int = 200
    value: Any = None
    raw: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    custom: bool = False
    """Encode with sorted members, as the real server does for custom resources."""


def text_reply(status: int, text: str, **headers: str) -> Reply:
    """Plain text, as Go's net/http writes errors."""
    return Reply(status, raw=text.encode(), content_type="text/plain; charset=utf-8", headers=dict(headers))


def page_not_found() -> Reply:
    return text_reply(404, "404 page not found\n", **{"x-content-type-options": "nosniff"})


METADATA_ORDER: Final = (
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def ordered(value: Object) -> Object:
    """A built-in object with kind, apiVersion and metadata in the order of the real server."""
    head: Object = {key: value[key] for key in ("kind", "apiVersion") if key in value}
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        known = {key: metadata[key] for key in METADATA_ORDER if key in metadata}
        head["metadata"] = known | {key: item for key, item in metadata.items() if key not in known}
    return head | {key: item for key, item in value.items() if key not in head}


def compact(value: Any, *, custom: bool = False) -> bytes:
    """JSON without spaces and with Go's escapes of HTML characters left out, as the API server writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=custom).encode()
