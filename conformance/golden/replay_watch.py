"""A recorded watch replayed: what happened on the server meanwhile happens again, and the lines are compared."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from clusters.embedded.api.app import Application
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.target import parse
from clusters.embedded.api.values import copied
from conformance.golden.answer_compare import FORK_CONFIG_MAP, differences, header_differences
from conformance.golden.interaction import Interaction, Value
from conformance.golden.presupposed_lists import put
from conformance.golden.recorded_world import World, events_in, is_object, place_of
from conformance.golden.replay_store import ReplayStore
from conformance.golden.transport import Answer, Message, decoded_headers, scope_of

Difference = tuple[str, Any, Any]


class WatchReplay:
    """Runs one watch request beside the recorded changes."""

    def __init__(
        self, store: ReplayStore, app: Application, interaction: Interaction, headers: dict[str, str], ahead: World
    ) -> None:
        self.ahead = ahead
        self.store = store
        self.app = app
        self.interaction = interaction
        self.headers = headers
        self.answer = Answer(0)
        self.pieces: list[bytes] = []
        self.gone = asyncio.Event()

    async def run(self) -> list[Difference]:
        """The differences of its answer."""
        self._before()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._changes())
            request = tasks.create_task(self._request())
            last = max((seconds for seconds, _ in self.interaction.stream or ()), default=0.0)
            limit = max(self.interaction.duration_seconds, last) + 0.5
            if self.interaction.stream_end == "server-closed":
                limit += 5
            await asyncio.wait({request}, timeout=limit)
            self.gone.set()
        return self._compare()

    def _kind(self) -> Kind | None:
        target = parse(self.interaction.path)
        return None if target is None else self.store.kinds.find(target.group, target.version, target.plural)

    def _events(self) -> list[tuple[float, str, Value]]:
        kind = self._kind()
        return [
            (seconds, type_, self._whole(kind, value))
            for seconds, type_, value in events_in(self.interaction)
            if type_ in ("ADDED", "MODIFIED", "DELETED")
        ]

    def _whole(self, kind: Kind | None, value: Value) -> Value:
        """The object behind a table row or its metadata: with the body this store knows."""
        row: Value = {}
        if value.get("kind") == "Table" and value.get("rows"):
            row = value["rows"][0]
            value = row.get("object") or {}
        if value.get("kind") != "PartialObjectMetadata" or kind is None:
            return value
        metadata = value["metadata"]
        head = {"apiVersion": kind.resource.api_version, "kind": kind.resource.kind}
        held = self.store.peek(kind, (metadata.get("namespace", ""), metadata["name"]))
        if held is None:
            place = place_of({**head, "metadata": metadata})
            held = self.ahead.at(place, int(metadata["resourceVersion"])) or {}
        whole = copied({**held, **head, "metadata": metadata})
        for column, cell in zip(kind.columns, row.get("cells", ())[1:], strict=False):
            if cell is not None and column.type != "date" and re.fullmatch(r"(\.\w+)+", column.path):
                put(whole, column.path[1:].split("."), cell)
        return whole

    def _before(self) -> None:
        """Objects that the stream shows as already there."""
        kind = self._kind()
        if kind is None:
            return
        if not self._lists_first():
            self._recall(kind)
            return
        seen: set[tuple[str, str]] = set()
        events = self._events()
        for seconds, type_, value in events:
            if seconds > events[0][0] + 0.003 or seconds > 0.05 or type_ != "ADDED" or not is_object(value):
                break
            key = (value["metadata"].get("namespace", ""), value["metadata"]["name"])
            seen.add(key)
            held = self.store.peek(kind, key)
            if held is None or held["metadata"]["resourceVersion"] != value["metadata"]["resourceVersion"]:
                self.store.place(kind, value)
        target = parse(self.interaction.path)
        if target is None or self.interaction.parameter("labelSelector") or self.interaction.parameter("fieldSelector"):
            return
        for key in list(self.store.objects(kind.storage)):
            if key not in seen and (not target.namespace or key[0] == target.namespace):
                self.store.drop(kind, key)

    def _recall(self, kind: Kind) -> None:
        """Changes between the version asked for and now, where this store missed them."""
        text = self.interaction.parameter("resourceVersion")
        asked = int(text) if text.isdigit() else 0
        for _, type_, value in self._events():
            if is_object(value) and asked < int(value["metadata"]["resourceVersion"]) <= self.store.version:
                self.store.recall(kind, type_, value)

    def _lists_first(self) -> bool:
        version = self.interaction.parameter("resourceVersion")
        return version in ("", "0") or self.interaction.parameter("sendInitialEvents") == "true"

    async def _changes(self) -> None:
        kind, loop = self._kind(), asyncio.get_running_loop()
        start = loop.time()
        if kind is None:
            return
        for seconds, type_, value in self._events():
            if not is_object(value):
                continue
            version = int(value["metadata"]["resourceVersion"])
            await asyncio.sleep(max(0.0, start + seconds - loop.time()))
            if version <= self.store.version:
                continue
            key = (value["metadata"].get("namespace", ""), value["metadata"]["name"])
            if type_ == "DELETED" and not self._left_selection(value):
                self.store.skip_to(version - 1)
                self._remove(kind, key, value)
            elif type_ == "DELETED":
                self.store.place(kind, _unselected(value))
            else:
                self.store.place(kind, value, type_)

    def _remove(self, kind: Kind, key: tuple[str, str], last: Value) -> None:
        if self.store.peek(kind, key) is None:
            return
        self.store._remove(kind.storage, key, copied(last))

    def _left_selection(self, value: Value) -> bool:
        """A DELETED that only means the object no longer matches; nothing in the stream tells, but a later event of
        the same object without an ADDED between."""
        if not self.interaction.parameter("labelSelector"):
            return False
        uid, version = value["metadata"]["uid"], int(value["metadata"]["resourceVersion"])
        later = [
            one
            for _, type_, one in self._events()
            if one["metadata"].get("uid") == uid and int(one["metadata"]["resourceVersion"]) > version
        ]
        return bool(later)

    async def _request(self) -> None:
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": self.interaction.body or b"", "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answer.status, self.answer.headers = message["status"], decoded_headers(message)
            elif message["type"] == "http.response.body":
                self.pieces.append(message.get("body") or b"")

        await self.app(scope_of(self.interaction, self.headers), receive, send)

    def _compare(self) -> list[Difference]:
        interaction = self.interaction
        self.answer.body = b"".join(self.pieces)
        if self.answer.status != interaction.status:
            return [("status", interaction.status, self.answer.status)]
        found = list(header_differences(dict(interaction.answer_headers), self.answer.headers))
        if not interaction.stream and not interaction.stream_end:
            return found
        got = [json.loads(line) for line in self.answer.body.split(b"\n") if line]
        wanted = [line for _, line in interaction.stream or ()]
        if interaction.stream_end == "limit":
            got = got[: len(wanted)]
        return found + _stream_differences(wanted, got)


def _stream_differences(wanted: list[Any], got: list[Any]) -> list[Difference]:
    one = [line for line in wanted if not _is_bookmark(line) and not _of_fork(line)]
    other = [line for line in got if not _is_bookmark(line) and not _of_fork(line)]
    if len(one) != len(other):
        return [("events", [_event_name(line) for line in one], [_event_name(line) for line in other])]
    found: list[Difference] = []
    for index, (expected, seen) in enumerate(zip(one, other, strict=True)):
        found += differences(expected, seen, f"event {index}")
    marks = [line for line in wanted if _is_bookmark(line)], [line for line in got if _is_bookmark(line)]
    if marks[0] and not marks[1]:
        found.append(("bookmarks", len(marks[0]), len(marks[1])))
    for expected, seen in zip(*marks, strict=False):
        found += differences(expected, seen, "bookmark")
    return found


def _of_fork(line: Any) -> bool:
    return isinstance(line, dict) and ((line.get("object") or {}).get("metadata") or {}).get("name") == FORK_CONFIG_MAP


def _is_bookmark(line: Any) -> bool:
    return isinstance(line, dict) and line.get("type") == "BOOKMARK"


def _event_name(line: Any) -> str:
    if not isinstance(line, dict):
        return str(line)[:60]
    metadata = (line.get("object") or {}).get("metadata") or {}
    return f"{line.get('type')} {metadata.get('name', '')}"


def _unselected(value: Value) -> Value:
    """The object in a state that the selector no longer matches."""
    changed = copied(value)
    changed["metadata"].pop("labels", None)
    return changed
