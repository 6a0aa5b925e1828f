"""Lists: past states, pages that all show the state of the first, and the shapes of the answer."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from clusters.embedded.api import table
from clusters.embedded.api.conversion import shown
from clusters.embedded.api.exchange import Call, Reply, ordered
from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.ledger import Key
from clusters.embedded.api.media import Form
from clusters.embedded.api.options import ListOptions, parsed_version, too_large_version
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import ApiError, Object, bad_request, expired
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
    """A continue token, in the server's own form."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": start}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(text: str) -> tuple[int, str]:
    """Version and first key of a continue token. Raises ApiError BadRequest."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        value = json.loads(raw)
        return int(value["rv"]), str(value["start"]).lstrip("/")
    except (ValueError, KeyError, TypeError, UnicodeDecodeError):
        raise bad_request(f"invalid continue token: continue key is not valid: {_token_fault(text)}") from None


def _token_fault(text: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return "illegal base64 data at input byte 0"
    first = raw[:1].decode("latin-1")
    return f"invalid character '{first}' looking for beginning of value" if first else "unexpected end of JSON input"


def _page_key(key: Key, namespace: str) -> str:
    """The order of objects in a list: by storage key."""
    return key[1] if namespace or not key[0] else f"{key[0]}/{key[1]}"


def select(
    store: Store, kind: Kind, namespace: str, options: ListOptions, fields: FieldSelector, labels: LabelSelector
) -> tuple[list[Object], Object]:
    """The objects of one page, and the list's metadata. Raises ApiError."""
    version, start = _version_of(store, options)
    state = store.objects(kind.storage)
    if version is not None and version < store.version:
        try:
            state = store.ledger.state_at(kind.storage, state, version)
        except ApiError:
            if options.continuation:
                raise expired(OLD_PAGE, token(NEWEST, start)) from None
            raise expired(OLD_LIST) from None
    listed = store.version if version is None else version
    chosen: list[tuple[str, Object]] = []
    for key, value in state.items():
        if namespace and key[0] != namespace:
            continue
        place = _page_key(key, namespace)
        if place < start:
            continue
        if labels and not labels.matches(value["metadata"].get("labels") or {}):
            continue
        if fields and not fields.matches(value):
            continue
        chosen.append((place, value))
    chosen.sort(key=lambda item: item[0])
    metadata: Object = {"resourceVersion": str(listed)}
    limit = options.limit if options.version != "0" else 0
    if limit and len(chosen) > limit:
        last = chosen[limit - 1][0]
        prefix = "/" if namespace else ""
        metadata["continue"] = token(listed, f"{prefix}{last}\0")
        if not labels and not fields:
            metadata["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    return [value for _, value in chosen], metadata


def _version_of(store: Store, options: ListOptions) -> tuple[int | None, str]:
    """The version to show (None: now) and the first key."""
    try:
        asked = parsed_version(options.version)
    except ValueError as error:
        raise bad_request(f"invalid resource version: {error}") from None
    if options.continuation:
        version, start = read_token(options.continuation)
        if options.version and options.version != "0":
            raise bad_request("specifying resource version is not allowed when using continue")
        return (None if version == NEWEST else version), start
    if asked > store.version:
        raise too_large_version(asked, store.version)
    return (asked if options.match == "Exact" else None), ""


def reply(
    store: Store, kind: Kind, namespace: str, call: Call, form: Form, options: ListOptions, name: str = ""
) -> Reply:
    """Answer a list request in the form the client accepts."""
    labels = LabelSelector.parse(options.labels)
    fields = FieldSelector.parse(options.fields, kind)
    if name:
        fields = fields.named(name)
    values, metadata = select(store, kind, namespace, options, fields, labels)
    if form.shape == "Table":
        include = table.included(call)
        value = table.table(kind, values, metadata, store.clock.wall(), include=include, version=form.shape_version)
        return Reply(value=value)
    if form.shape:
        items = [table.partial(value, form.shape_version) for value in values]
        api = f"meta.k8s.io/{form.shape_version}"
        return Reply(
            value={"kind": "PartialObjectMetadataList", "apiVersion": api, "metadata": metadata, "items": items}
        )
    return Reply(value=list_object(kind, values, metadata), custom=kind.custom)


def list_object(kind: Kind, values: list[Object], metadata: Object) -> Object:
    """The list: items of built-in lists do without kind and apiVersion; custom lists always have `continue`."""
    resource = kind.resource
    if kind.custom:
        return {
            "apiVersion": resource.api_version,
            "kind": kind.list_name,
            "metadata": {"continue": "", **metadata},
            "items": [shown(kind, value) for value in values],
        }
    items: list[Any] = []
    for value in values:
        item = ordered(shown(kind, value))
        item.pop("kind", None)
        item.pop("apiVersion", None)
        items.append(item)
    return {"kind": kind.list_name, "apiVersion": resource.api_version, "metadata": metadata, "items": items}
