"""Watches: what a client sees of the changes, when bookmarks come, and when the stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api import conversion, protobuf_encoding, table
from clusters.embedded.api.bookmarks import bookmark_object
from clusters.embedded.api.exchange import Reply, compact, ordered
from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.ledger import Entry, Watch
from clusters.embedded.api.media import JSON, PROTOBUF, Form
from clusters.embedded.api.options import ListOptions, parsed_version
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import ApiError, Object
from clusters.embedded.api.store import Store

BOOKMARK_SECONDS: Final = 60.0
LAST_BOOKMARK_SECONDS: Final = 2.0
"""How long before its end a watch gets its last bookmark."""
DEFAULT_TIMEOUT_SECONDS: Final = 2700.0


@dataclass(slots=True)
class _View:
    """One client's view of a stream."""

    store: Store
    kind: Kind
    form: Form
    include: str
    labels: LabelSelector
    fields: FieldSelector
    later_than: int = 0
    first: bool = True

    def matches(self, value: Object) -> bool:
        labels = value["metadata"].get("labels") or {}
        return self.labels.matches(labels) and self.fields.matches(value)

    def seen_as(self, entry: Entry) -> tuple[str, Object] | None:
        """How a change looks through the selectors: it may become ADDED or DELETED, or nothing."""
        if not self.labels and not self.fields:
            return entry.type, entry.object
        before = entry.previous is not None and self.matches(entry.previous)
        after = entry.type != "DELETED" and self.matches(entry.object)
        if entry.type == "DELETED":
            return ("DELETED", entry.object) if before else None
        if before and after:
            return "MODIFIED", entry.object
        if after:
            return "ADDED", entry.object
        if before and entry.previous is not None:
            metadata = {**entry.previous["metadata"], "resourceVersion": entry.object["metadata"]["resourceVersion"]}
            return "DELETED", {**entry.previous, "metadata": metadata}
        return None

    def line(self, entry: Entry) -> bytes | None:
        """The wire form of a change, made once for all watchers that see it alike."""
        if entry.version <= self.later_than:
            return None
        seen = self.seen_as(entry)
        if seen is None:
            return None
        type_, value = seen
        if self.form.shape:
            return self.encode(type_, value)
        form = (self.kind.resource.api_version, type_, self.form.media_type)
        known = entry.encoded.get(form) if value is entry.object else None
        if known is None:
            known = self.encode(type_, value)
            if value is entry.object:
                entry.encoded[form] = known
        return known

    def encode(self, type_: str, value: Object) -> bytes:
        return self.frame(type_, self.shown(value))

    def frame(self, type_: str, shown: Object) -> bytes:
        """One event on the wire: a line of JSON or a frame of protobuf."""
        if self.form.is_protobuf and protobuf_encoding.encodable(shown):
            return protobuf_encoding.event(type_, shown)
        custom = self.kind.custom and not self.form.shape and shown.get("kind") != "Status"
        return b'{"type":"%s","object":%s}\n' % (type_.encode(), compact(shown, custom=custom))

    def shown(self, value: Object) -> Object:
        """An object in the shape asked for."""
        if self.form.shape == "Table":
            return self._table(value)
        if self.form.shape:
            return table.partial(value, self.form.shape_version)
        shown = conversion.shown(self.kind, value)
        return shown if self.kind.custom else ordered(shown)

    def _table(self, value: Object) -> Object:
        metadata = {"resourceVersion": value["metadata"]["resourceVersion"]}
        shown = table.table(
            self.kind,
            [value],
            metadata,
            self.store.clock.wall(),
            include=self.include,
            version=self.form.shape_version,
            with_definitions=self.first,
        )
        self.first = False
        return shown

    def bookmark(self, version: int, *, initial: bool = False) -> bytes:
        value = bookmark_object(self.kind, version, initial=initial)
        if self.form.shape == "Table":
            return self.frame("BOOKMARK", self._table(value))
        if self.form.shape:
            return self.frame("BOOKMARK", table.partial(value, self.form.shape_version))
        return self.frame("BOOKMARK", value)


def reply(
    store: Store, kind: Kind, namespace: str, form: Form, options: ListOptions, *, include: str = "", name: str = ""
) -> Reply:
    """Answer a watch request. Raises ApiError for requests that never start."""
    labels = LabelSelector.parse(options.labels)
    fields = FieldSelector.parse(options.fields, kind)
    if name:
        fields = fields.named(name)
    try:
        version = parsed_version(options.version)
    except ValueError as error:
        raise ApiError("", str(error), code=500) from None
    view = _View(store, kind, form, include, labels, fields)
    streams_protobuf = form.is_protobuf and protobuf_encoding.encodable(bookmark_object(kind, 0))
    content_type = f"{PROTOBUF};stream=watch" if streams_protobuf else JSON
    return Reply(stream=_stream(view, namespace, version, options), content_type=content_type)


def _opening(view: _View, namespace: str, version: int, options: ListOptions) -> tuple[Watch, list[bytes]]:
    """Subscribe, and the lines that come at once."""
    store, storage = view.store, view.kind.storage
    listed = options.initial_events or (options.initial_events is None and version == 0)
    if not listed:
        if version > store.version:
            view.later_than = version
            return store.ledger.watch(storage, namespace), []
        after = version if options.version else store.version
        return store.ledger.watch(storage, namespace, store.ledger.after(storage, after)), []
    lines = [line for entry in store.present(storage, namespace) if (line := view.line(entry))]
    if options.bookmarks:
        lines.append(view.bookmark(store.version, initial=True))
    return store.ledger.watch(storage, namespace), lines


async def _stream(view: _View, namespace: str, version: int, options: ListOptions) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    timeout = options.timeout_seconds
    deadline = start + (DEFAULT_TIMEOUT_SECONDS if not timeout else max(0, timeout))
    try:
        watch, lines = _opening(view, namespace, version, options)
    except ApiError as error:
        yield view.frame("ERROR", error.body())
        return
    last_bookmark = deadline - LAST_BOOKMARK_SECONDS
    next_bookmark = _next_bookmark(start, last_bookmark) if options.bookmarks else deadline
    try:
        if lines:
            yield b"".join(lines)
        while loop.time() < deadline and not watch.closed:
            wake_at = min(deadline, next_bookmark)
            try:
                async with asyncio.timeout_at(wake_at):
                    await watch.ready()
            except TimeoutError:
                pass
            lines = [line for entry in watch.take() if (line := view.line(entry))]
            if lines:
                yield b"".join(lines)
            if options.bookmarks and loop.time() >= next_bookmark and loop.time() < deadline:
                yield view.bookmark(view.store.version)
                next_bookmark = _next_bookmark(loop.time(), last_bookmark)
    finally:
        watch.close()


def _next_bookmark(now: float, last: float) -> float:
    """About each minute, and once shortly before the end."""
    regular = now + BOOKMARK_SECONDS
    return last if now < last < regular else regular
