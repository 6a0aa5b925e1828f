"""What the suite asks of an API server, in terms of objects; the same over every api."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from conformance.base.errors import PlatformError
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.resources import Resource

Object = dict[str, Any]

FIELD_MANAGER: Final = "serving-conformance"
LIST_PAGE: Final = 500
LIST_PAGES: Final = 200
LIST_BYTES: Final = 256 << 20
"""A list that goes on beyond so many pages (100,000 objects) or bytes has no end."""
CHANGES: Final = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK")


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
            value = decoded(answer.body)
        except ValueError:
            value = None
        if not isinstance(value, dict) or value.get("kind") != "Status":
            return cls(answer.status, "", answer.body[:500].decode("utf-8", "replace").strip())
        details = value.get("details")
        causes = details.get("causes") if isinstance(details, dict) else None
        return cls(
            answer.status,
            str(value.get("reason") or ""),
            str(value.get("message") or ""),
            tuple(str(cause.get("message", "")) for cause in causes or () if isinstance(cause, dict)),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    object: Object


async def ask(
    api: ApiClient,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: bytes | None = None,
    content_type: str = "application/json",
) -> Object:
    """One request whose answer must be a 2xx JSON object. Raises ApiStatus or PlatformError otherwise."""
    return read(method, path, await api.request(method, path, query=query, body=body, content_type=content_type))


def read(method: str, path: str, answer: Answer) -> Object:
    """The object of a 2xx answer. Raises ApiStatus or PlatformError otherwise."""
    if not 200 <= answer.status < 300:
        raise ApiStatus.of(answer)
    try:
        value = decoded(answer.body)
    except ValueError as error:
        raise PlatformError(f"{method} {path}: the answer is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise PlatformError(f"{method} {path}: the answer is not an object")
    return value


async def get(api: ApiClient, resource: Resource, namespace: str | None, name: str) -> Object | None:
    """One object, None when there is none of that name (or kind)."""
    try:
        return await ask(api, "GET", resource.path(namespace, name))
    except ApiStatus as status:
        if status.status == 404:
            return None
        raise


async def list_all(
    api: ApiClient, resource: Resource, namespace: str | None = None, *, labels: str = "", fields: str = ""
) -> tuple[list[Object], str]:
    """All objects, page by page, and the resourceVersion to watch from."""
    items: list[Object] = []
    query = {"limit": str(LIST_PAGE)}
    if labels:
        query["labelSelector"] = labels
    if fields:
        query["fieldSelector"] = fields
    path, size = resource.path(namespace), 0
    for _ in range(LIST_PAGES):
        answer = await api.request("GET", path, query=query)
        page = read("GET", path, answer)
        found, metadata = page.get("items") or [], page.get("metadata") or {}
        if not isinstance(found, list) or not isinstance(metadata, dict) or not all(map(is_object, found)):
            raise PlatformError(f"GET {path}: the answer is no list of objects")
        items += found
        if not metadata.get("continue"):
            return items, str(metadata.get("resourceVersion", ""))
        query["continue"] = str(metadata["continue"])
        size += len(answer.body)
        if size > LIST_BYTES:
            break
    raise PlatformError(f"GET {path}: the list does not end: {len(items)} objects and {size} bytes so far")


async def create(api: ApiClient, resource: Resource, value: Mapping[str, Any], namespace: str | None = None) -> Object:
    """POST an object."""
    return await ask(
        api,
        "POST",
        resource.path(namespace),
        query={"fieldManager": FIELD_MANAGER},
        body=json.dumps(value).encode(),
    )


async def apply(
    api: ApiClient,
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
        api,
        "PATCH",
        resource.path(namespace, name),
        query=query,
        body=manifest,
        content_type="application/apply-patch+yaml",
    )


async def merge(
    api: ApiClient,
    resource: Resource,
    namespace: str | None,
    name: str,
    patch: Mapping[str, Any],
    *,
    subresource: str | None = None,
) -> Object:
    """JSON merge patch."""
    return await ask(
        api,
        "PATCH",
        resource.path(namespace, name, subresource),
        query={"fieldManager": FIELD_MANAGER},
        body=json.dumps(patch).encode(),
        content_type="application/merge-patch+json",
    )


async def delete(
    api: ApiClient,
    resource: Resource,
    namespace: str | None,
    name: str,
    *,
    propagation: str = "Background",
    uid: str | None = None,
    grace_seconds: int | None = None,
) -> bool:
    """Ask for deletion; False when there was nothing to delete. With `uid`, of that very object and no later one of its
    name, which is a Conflict. `grace_seconds` is how long a pod may take, in place of what it asks for itself."""
    options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    if uid:
        options["preconditions"] = {"uid": uid}
    try:
        await ask(api, "DELETE", resource.path(namespace, name), body=json.dumps(options).encode())
    except ApiStatus as status:
        if status.status == 404:
            return False
        raise
    return True


def watch(
    api: ApiClient,
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
    return _watch(api, resource.path(namespace), query)


@asynccontextmanager
async def _watch(api: ApiClient, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Change]]:
    async with api.stream(path, query=query) as lines:
        yield _changes(lines)


async def _changes(lines: AsyncIterator[bytes]) -> AsyncIterator[Change]:
    async for line in lines:
        try:
            event = decoded(line)
            kind, value = event["type"], event["object"]
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformError(f"a watch sent something that is no event: {line[:200]!r}") from error
        if kind == "ERROR" and isinstance(value, dict):
            code = value.get("code")
            known = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise ApiStatus(known, str(value.get("reason")), str(value.get("message")))
        if kind not in CHANGES or not (is_object(value) or (kind == "BOOKMARK" and isinstance(value, dict))):
            raise PlatformError(f"a watch sent something that is no event: {line[:200]!r}")
        yield Change(kind, value)


def decoded(text: bytes) -> Any:
    """JSON as RFC 8259 has it: no NaN, no number beyond a float's, no nesting beyond reason. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def is_object(value: Any) -> bool:
    """Whether something may be a Kubernetes object: it has metadata, and those a uid."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get("uid", ""), str)


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is beyond a float")
    return value
