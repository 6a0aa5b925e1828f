"""Watches: what a client sees of the changes, when bookmarks come, and when the stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api import table_convertor
from clusters.embedded.api.api_errors import ApiError, Object
from clusters.embedded.api.change_log import Entry, Watch
from clusters.embedded.api.content_negotiation import JSON, OBJECT_SHAPES, Form, negotiate
from clusters.embedded.api.json_values import compact
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.list_handler import shown
from clusters.embedded.api.query_options import ListOptions, parsed_version
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.selectors import FieldSelector, LabelSelector
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
    is_first: bool = True

    def matches(self, value: Object) -> bool:
        return self.labels.matches(value["metadata"].get("labels") or {}) and self.fields.matches(value)

    def seen_as(self, entry: Entry) -> tuple[str, Object] | None:
        """How a change looks through the selectors: it may become ADDED or DELETED, or nothing."""
        if not self.labels and not self.fields:
            return entry.type, entry.object
        before = entry.previous if entry.previous is not None and self.matches(entry.previous) else None
        after = entry.type != "DELETED" and self.matches(entry.object)
        if after:
            return ("ADDED" if before is None else "MODIFIED"), entry.object
        if before is None:
            return None
        if entry.type == "DELETED":
            return "DELETED", entry.object
        metadata = {**before["metadata"], "resourceVersion": entry.object["metadata"]["resourceVersion"]}
        return "DELETED", {**before, "metadata": metadata}

    def line(self, entry: Entry) -> bytes:
        """The wire form of a change, made once for all watchers that see it alike; empty for nothing."""
        seen = self.seen_as(entry)
        if seen is None:
            return b""
        type_, value = seen
        if self.form.shape or value is not entry.object:
            return _frame(type_, self.shown(value))
        form = (self.kind.resource.api_version, type_)
        if form not in entry.encoded:
            entry.encoded[form] = _frame(type_, self.shown(value))
        return entry.encoded[form]

    def shown(self, value: Object) -> Object:
        """An object in the shape asked for."""
        if self.form.shape == "Table":
            is_first, self.is_first = self.is_first, False
            metadata = {"resourceVersion": value["metadata"]["resourceVersion"]}
            return table_convertor.table(
                self.kind,
                [value],
                metadata,
                self.store.clock.wall(),
                include=self.include,
                version=self.form.version,
                with_definitions=is_first,
            )
        if self.form.shape:
            return table_convertor.partial(value, self.form.version)
        return shown(self.kind, value)

    def bookmark(self, *, initial: bool = False) -> bytes:
        """An otherwise empty object of the kind with the version reached."""
        metadata: Object = {"resourceVersion": str(self.store.version)}
        if initial:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        resource = self.kind.resource
        value = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return _frame("BOOKMARK", self.shown(value))


def _frame(type_: str, value: Object) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), compact(value))


def answer(store: Store, request: Request, kind: Kind, info: RequestInfo, options: ListOptions) -> Response:
    """A watch. Raises ApiError for requests that never start."""
    form = negotiate(request, OBJECT_SHAPES, stream=True)
    include = table_convertor.included(request)
    labels, fields = LabelSelector.parse(options.labels), FieldSelector.parse(options.fields, kind)
    version = parsed_version(options.version, store.version)
    view = _View(store, kind, form, include, labels, fields)
    return Response(stream=_stream(view, info.namespace, version, options), content_type=JSON)


def _opening(view: _View, namespace: str, version: int, options: ListOptions) -> tuple[Watch, list[bytes]]:
    """Subscribe, and the lines that come at once. Raises ApiError Expired."""
    store, storage = view.store, view.kind.storage
    if options.initial_events or (options.initial_events is None and version == 0):
        lines = [view.line(entry) for entry in store.present(storage, namespace)]
        if options.bookmarks:
            lines.append(view.bookmark(initial=True))
    else:
        newer = store.change_log.after(storage, version if options.version else store.version)
        lines = [view.line(entry) for entry in newer if not namespace or entry.key[0] == namespace]
    return store.change_log.watch(storage, namespace), lines


async def _stream(view: _View, namespace: str, version: int, options: ListOptions) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    deadline = start + (max(0, options.timeout_seconds or 0) or DEFAULT_TIMEOUT_SECONDS)
    try:
        watch, lines = _opening(view, namespace, version, options)
    except ApiError as error:
        yield _frame("ERROR", error.body())
        return
    last_bookmark = deadline - LAST_BOOKMARK_SECONDS
    next_bookmark = _next_bookmark(start, last_bookmark) if options.bookmarks else deadline
    try:
        if any(lines):
            yield b"".join(lines)
        while loop.time() < deadline and not watch.closed:
            try:
                async with asyncio.timeout_at(min(deadline, next_bookmark)):
                    await watch.ready()
            except TimeoutError:
                pass
            lines = [view.line(entry) for entry in watch.take()]
            if any(lines):
                yield b"".join(lines)
            if next_bookmark <= loop.time() < deadline:
                yield view.bookmark()
                next_bookmark = _next_bookmark(loop.time(), last_bookmark)
    finally:
        watch.close()


def _next_bookmark(now: float, last: float) -> float:
    """About each minute, and once shortly before the end."""
    regular = now + BOOKMARK_SECONDS
    return last if now < last < regular else regular
