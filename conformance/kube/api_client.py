"""The narrow api to a Kubernetes API server: raw requests and raw streams, so that one set of verbs serves all.

Two doors exist: the official client over HTTPS (`conformance.kube.official_client`) and the embedded platform's ASGI
application called directly (`conformance.kube.in_process_client`), which is what virtual time needs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said; a 4xx or 5xx is an answer, not an exception."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class ApiClient(Protocol):
    """A connection to one API server with one identity."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send one request. Raises PlatformError when no answer comes."""

    def stream(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """GET whose body arrives line by line (watches, followed logs). Raises PlatformError when it is cut, and
        `conformance.kube.verbs.ApiStatus` on a status other than 200."""

    async def close(self) -> None:
        """Give back connections."""
