"""Which part of a container's log a request asks for, as a kubelet cuts it.

Order: lines of the container asked for (the running one, or the one before), then since, then tail, then the limit in
bytes, which may cut through a line and counts the time stamps that are sent.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clusters.embedded.api.exchange import Call
from clusters.embedded.api.field_causes import NOT_NEGATIVE, forbidden, invalid
from clusters.embedded.api.options import whole_number
from clusters.embedded.api.status import Cause, Object, bad_request
from clusters.embedded.api.status import invalid as invalid_object

_STAMP: Final = re.compile(r"^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$")
POSITIVE: Final = "must be greater than 0"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What of a log is wanted. Times are seconds since 1970."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: float | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None

    @classmethod
    def of(cls, call: Call, pod: str, now: float) -> LogOptions:
        """Parse and validate. Raises ApiError."""
        tail, limit = whole_number(call, "tailLines"), whole_number(call, "limitBytes")
        seconds, text = whole_number(call, "sinceSeconds"), call.one("sinceTime")
        since = _moment(text) if text else None
        causes = list(_causes(tail, limit, seconds, since))
        if causes:
            raise invalid_object("PodLogOptions", "", pod, causes)
        return cls(
            follow=call.flag("follow"),
            previous=call.flag("previous"),
            timestamps=call.flag("timestamps"),
            since=now - seconds if seconds is not None else since,
            tail_lines=tail,
            limit_bytes=limit,
        )


def _causes(tail: int | None, limit: int | None, seconds: int | None, since: float | None) -> Iterator[Cause]:
    if tail is not None and tail < 0:
        yield invalid("tailLines", str(tail), NOT_NEGATIVE)
    if limit is not None and limit < 1:
        yield invalid("limitBytes", str(limit), POSITIVE)
    if seconds is not None and since is not None:
        yield forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    elif seconds is not None and seconds < 1:
        yield invalid("sinceSeconds", str(seconds), POSITIVE)


def _moment(text: str) -> float:
    found = _STAMP.match(text)
    if not found:
        layout = "2006-01-02T15:04:05Z07:00"
        raise bad_request(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"')
    zone = "+00:00" if found[3] in "Zz" else found[3]
    return datetime.fromisoformat(found[1] + zone).timestamp() + float(found[2] or 0)


@dataclass(frozen=True, slots=True)
class Life:
    """When the container meant was running; None where nothing bounds it."""

    begin: float | None = None
    end: float | None = None

    @classmethod
    def of(cls, container: Object, *, previous: bool) -> Life:
        """From a container's status. A container that never restarted has the whole log."""
        before = (container.get("lastState") or {}).get("terminated") or {}
        if not before:
            return cls()
        if previous:
            return cls(_optional(before.get("startedAt")), _optional(before.get("finishedAt")))
        return cls(_optional(((container.get("state") or {}).get("running") or {}).get("startedAt")))

    def holds(self, at: float) -> bool:
        """Whether a line of this time is of this life; stamps of a status have whole seconds."""
        return (self.begin is None or at >= self.begin) and (self.end is None or at < self.end + 1)


def _optional(text: str | None) -> float | None:
    return _moment(text) if text else None


Source = Callable[[bool], AsyncIterator[bytes]]
"""A log from its beginning, each piece one line with its time stamp in front; true: followed."""


async def sliced(source: Source, life: Life, options: LogOptions) -> AsyncIterator[bytes]:
    """The pieces to send."""
    left = options.limit_bytes
    async for line in _chosen(source, life, options):
        piece = line if options.timestamps else line.partition(b" ")[2]
        if left is not None:
            piece = piece[:left]
            left -= len(piece)
        yield piece
        if left == 0:
            return


async def _chosen(source: Source, life: Life, options: LogOptions) -> AsyncIterator[bytes]:
    written = [line async for line in source(False)]
    held = [line for line in written if _is_wanted(line, life, options)]
    tail = options.tail_lines
    for line in held if tail is None else held[len(held) - min(tail, len(held)) :]:
        yield line
    if not options.follow or options.previous:
        return
    place = 0
    async for line in source(True):
        place += 1
        if place > len(written):
            yield line


def _is_wanted(line: bytes, life: Life, options: LogOptions) -> bool:
    at = _moment(line.partition(b" ")[0].decode())
    return life.holds(at) and (options.since is None or at >= options.since)
