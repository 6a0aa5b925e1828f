"""What the suite asks of an API server, in terms of objects; the same over every door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from conformance.api.protocol import Answer, Door
from conformance.api.resources import Resource
from conformance.errors import PlatformError

Object = dict[str, Any]

FIELD_MANAGER: Final = "serving-conformance"
LIST_PAGE: Final = 500


class ApiStatus(PlatformError):  # noqa: N818 - named after the Status object it carries
    """The API server answered with an error Status."""

    def __init__(self, status: int, reason: str, message: str, causes: tuple[str, ...] = ()) -> None:
        super().__init__(f"the API server answered {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes

    @classmethod
    def of(cls, answer: Answer) -> ApiStatus:
        """Read a Status body; anything else becomes the message itself."""
        try:
            value = json.loads(answer.body)
        except ValueError:
            value = None
        if not isinstance(value, dict) or value.get("kind") != "Status":
            return cls(answer.status, "", answer.body[:500].decode("utf-8", "replace").strip())
        causes = (value.get("details") or {}).get("causes") or ()
        return cls(
            answer.status,
            str(value.get("reason") or ""),
            str(value.get("message") or ""),
            tuple(str(cause.get("message", "")) for cause in causes),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


async def ask(
    door: Door,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
) -> Object:
    """One request whose answer must be a 2xx JSON object. Raises ApiStatus or PlatformError otherwise."""
    answer = await door.request(method, path, query=query, body=body, content_type=content_type)
    if not 200 <= answer.status < 300:
        raise ApiStatus.of(answer)
    try:
        value = json.loads(answer.body)
    except ValueError as error:
        raise PlatformError(f"{method} {path}: the answer is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PlatformError(f"{method} {path}: the answer is not an object")
    return value


async def get(door: Door, resource: Resource, namespace: str | None, name: str) -> Object | None:
    """One object, None when there is none of that name (or kind)."""
    try:
        return await ask(door, "GET", resource.path(namespace, name))
    except ApiStatus as status:
        if status.status == 404:
            return None
        raise


async def list_all(
    door: Door, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
) -> tuple[list[Object], str]:
    """All objects, page by page, and the resourceVersion to watch from."""
    items: list[Object] = []
    query = {"limit": str(LIST_PAGE)}
    if labels:
        query["labelSelector"] = labels
    if fields:
        query["fieldSelector"] = fields
    while True:
        page = await ask(door, "GET", resource.path(namespace), query=query)
        items += page.get("items") or []
        metadata = page.get("metadata") or {}
        if not metadata.get("continue"):
            return items, str(metadata.get("resourceVersion", ""))
        query["continue"] = metadata["continue"]


async def create(door: Door, resource: Resource, value: Mapping[str, Any], namespace: str | None = None) -> Object:
    """POST an object."""
    return await ask(
        door,
        "POST",
        resource.path(namespace),
        query={"fieldManager": FIELD_MANAGER},
        body=json.dumps(value).encode(),
    )


async def apply(
    door: Door,
    resource: Resource,
    namespace: str | None,
    name: str,
    manifest: bytes,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> Object:
    """Server-side apply of a manifest's own bytes, YAML or JSON."""
    query = {"fieldManager": FIELD_MANAGER}
    if force:
        query["force"] = "true"
    if dry_run:
        query["dryRun"] = "All"
    return await ask(
        door,
        "PATCH",
        resource.path(namespace, name),
        query=query,
        body=manifest,
        content_type="application/apply-patch+yaml",
    )


async def merge(
    door: Door,
    resource: Resource,
    namespace: str | None,
    name: str,
    patch: Mapping[str, Any],
    *,
    subresource: str | None = None,
) -> Object:
    """JSON merge patch."""
    return await ask(
        door,
        "PATCH",
        resource.path(namespace, name, subresource),
        query={"fieldManager": FIELD_MANAGER},
        body=json.dumps(patch).encode(),
        content_type="application/merge-patch+json",
    )


async def delete(
    door: Door, resource: Resource, namespace: str | None, name: str, *, propagation: str = "Background"
) -> bool:
    """Ask for deletion; False when there was nothing to delete."""
    try:
        await ask(
            door,
            "DELETE",
            resource.path(namespace, name),
            body=json.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}).encode(),
        )
    except ApiStatus as status:
        if status.status == 404:
            return False
        raise
    return True


def watch(
    door: Door,
    resource: Resource,
    namespace: str | None,
    since: str,
    *,
    labels: str = "",
    timeout_seconds: int = 300,
) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
    """Changes after resourceVersion `since` until the server ends the stream. An in-stream error (410 Gone too)
    raises ApiStatus; a cut connection PlatformError. Resuming and relisting is left to `conformance.observe`."""
    query = {
        "watch": "true",
        "resourceVersion": since,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(timeout_seconds),
    }
    if labels:
        query["labelSelector"] = labels
    return _watch(door, resource.path(namespace), query)


@asynccontextmanager
async def _watch(door: Door, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Change]]:
    async with door.stream(path, query=query) as lines:
        yield _changes(lines)


async def _changes(lines: AsyncIterator[bytes]) -> AsyncIterator[Change]:
    async for line in lines:
        try:
            event = json.loads(line)
            kind, value = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"a watch sent something that is no event: {line[:200]!r}") from error
        if kind == "ERROR":
            raise ApiStatus(int(value.get("code") or 500), str(value.get("reason")), str(value.get("message")))
        yield Change(kind, value)
