"""A request as the handlers see it, what its path means, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))


@dataclass(slots=True)
class Request:
    """One HTTP request. Header names are lower case; `warnings` gathers 299 texts for the answer."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    user: User = ANONYMOUS
    warnings: list[str] = field(default_factory=list)

    def one(self, name: str) -> str:
        """The first value of a query parameter; empty when it is absent."""
        return (self.query.get(name) or [""])[0]

    def flag(self, name: str) -> bool:
        """A boolean query parameter as Go's strconv reads it; present and empty counts as true."""
        if name not in self.query:
            return False
        return self.query[name][0].lower() not in ("0", "false", "f")

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.header("content-type").split(";")[0].strip().lower()

    def warn(self, text: str) -> None:
        """Add a Warning header, once per text."""
        if text not in self.warnings:
            self.warnings.append(text)


@dataclass(slots=True)
class Response:
    """An answer: `value` is encoded as the client accepts it, `raw` goes out as it is, `stream` piece by piece."""

    status: int = 200
    value: Any = None
    raw: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def text_response(status: int, text: str) -> Response:
    """Plain text, as Go's net/http writes it."""
    headers = {"x-content-type-options": "nosniff"}
    return Response(status, raw=text.encode(), content_type="text/plain; charset=utf-8", headers=headers)


def page_not_found() -> Response:
    return text_response(404, "404 page not found\n")


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A parsed resource path, which is also what the authorizer is asked about."""

    group: str
    version: str
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @classmethod
    def parse(cls, path: str) -> RequestInfo | None:
        """What /api/... or /apis/... means; None for every other path."""
        parts = path.split("/")[1:]
        if parts and parts[-1] == "":
            parts = parts[:-1]
        if len(parts) >= 2 and parts[0] == "api":
            info, rest = cls("", parts[1]), parts[2:]
        elif len(parts) >= 3 and parts[0] == "apis":
            info, rest = cls(parts[1], parts[2]), parts[3:]
        else:
            return None
        if not rest:
            return info
        if rest[0] == "namespaces":
            is_subresource = not info.group and len(rest) == 3 and rest[2] in NAMESPACE_SUBRESOURCES
            if len(rest) >= 3 and not is_subresource:
                info, rest = replace(info, namespace=rest[1]), rest[2:]
            elif not info.group:
                info = replace(info, namespace=rest[1] if len(rest) > 1 else "")
        plural, name, subresource = (*rest, "", "")[:3]
        return replace(info, plural=plural, name=name, subresource=subresource)
