"""Lists: past states, pages that all show the state of the first, and the shapes of the answer."""

from __future__ import annotations

import base64
import json
from typing import Final

from clusters.embedded.api import table_convertor
from clusters.embedded.api.api_errors import ApiError, Object, bad_request, expired
from clusters.embedded.api.change_log import Key
from clusters.embedded.api.content_negotiation import LIST_SHAPES, negotiate
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.query_options import ListOptions, parsed_version
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.selectors import FieldSelector, LabelSelector
from clusters.embedded.api.store import Store

OLD_LIST: Final = "The resourceVersion for the provided list is too old."
OLD_PAGE: Final = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
NEWEST: Final = -1
"""The version in a continue token that gives up consistency."""


def token(version: int, start: str) -> str:
    """A continue token: the version of the first page, and the key that the next one begins with."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(text: str) -> tuple[int, str]:
    """Version and first key of a continue token. Raises ApiError BadRequest."""
    try:
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(value["rv"]), str(value["start"])
    except (ValueError, KeyError, TypeError):
        raise bad_request("invalid continue token: continue key is not valid") from None


def _page_key(key: Key) -> str:
    """The order of objects in a list: by namespace and name."""
    return f"{key[0]}/{key[1]}"


def select(store: Store, kind: Kind, namespace: str, options: ListOptions) -> tuple[list[Object], Object]:
    """The objects of one page, and the list's metadata. Raises ApiError."""
    labels, fields = LabelSelector.parse(options.labels), FieldSelector.parse(options.fields, kind)
    version, start = _version_of(store, options)
    state = store.objects(kind.storage)
    if version is not None and version < store.version:
        try:
            state = store.change_log.state_at(kind.storage, state, version)
        except ApiError:
            if options.continuation:
                raise expired(OLD_PAGE, token(NEWEST, start)) from None
            raise expired(OLD_LIST) from None
    listed = store.version if version is None else version
    chosen = [
        (_page_key(key), value)
        for key, value in state.items()
        if (not namespace or key[0] == namespace)
        and (not start or _page_key(key) >= start)
        and (not labels or labels.matches(value["metadata"].get("labels") or {}))
        and (not fields or fields.matches(value))
    ]
    chosen.sort(key=lambda item: item[0])
    metadata: Object = {"resourceVersion": str(listed)}
    limit = options.limit if options.version != "0" else 0
    if limit and len(chosen) > limit:
        metadata["continue"] = token(listed, chosen[limit - 1][0] + "\0")
        if not labels and not fields:
            metadata["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    return [value for _, value in chosen], metadata


def _version_of(store: Store, options: ListOptions) -> tuple[int | None, str]:
    """The version to show (None: now) and the first key."""
    if options.continuation:
        version, start = read_token(options.continuation)
        if options.version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return (None if version == NEWEST else version), start
    asked = parsed_version(options.version, store.version)
    return (asked if options.match == "Exact" else None), ""


def answer(store: Store, request: Request, kind: Kind, info: RequestInfo, options: ListOptions) -> Response:
    """A list in the form the client accepts. Raises ApiError."""
    form = negotiate(request, LIST_SHAPES)
    include = table_convertor.included(request)
    values, metadata = select(store, kind, info.namespace, options)
    if form.shape == "Table":
        now = store.clock.wall()
        table = table_convertor.table(kind, values, metadata, now, include=include, version=form.version)
        return Response(value=table)
    if form.shape:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{form.version}"}
        items = [table_convertor.partial(value, form.version) for value in values]
        return Response(value={**head, "metadata": metadata, "items": items})
    return Response(value=list_object(kind, values, metadata))


def list_object(kind: Kind, values: list[Object], metadata: Object) -> Object:
    """The list: items of built-in lists do without kind and apiVersion."""
    head: Object = {"kind": kind.list_name, "apiVersion": kind.resource.api_version, "metadata": metadata}
    if kind.custom:
        return {**head, "items": [shown(kind, value) for value in values]}
    hidden = ("kind", "apiVersion")
    return {**head, "items": [{key: item for key, item in value.items() if key not in hidden} for value in values]}


def shown(kind: Kind, value: Object) -> Object:
    """A stored object in the version of a kind: versions differ by apiVersion alone."""
    wanted = kind.resource.api_version
    return value if value.get("apiVersion") == wanted else {**value, "apiVersion": wanted}
