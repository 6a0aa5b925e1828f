"""Logs of containers: which part of one a request asks for, as a kubelet cuts it.

Order: lines of the container asked for (the running one, or the one before), then since, then tail, then the limit in
bytes, which may cut through a line and counts the time stamps that are sent.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clusters.embedded.api.admission_chain import LogSource
from clusters.embedded.api.field_errors import NOT_NEGATIVE, Cause, forbidden, invalid
from clusters.embedded.api.query_options import whole_number
from clusters.embedded.api.request import Request, Response
from clusters.embedded.api.status import Object, bad_request
from clusters.embedded.api.status import invalid as invalid_object
from clusters.embedded.api.store import Store

TEXT: Final = "text/plain"
WAITING: Final = {
    "ImagePullBackOff": "trying and failing to pull image",
    "ErrImagePull": "image can't be pulled",
}
"""Reasons that are worded differently where a log is asked for."""

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
    def of(cls, request: Request, pod: str, now: float) -> LogOptions:
        """Parse and validate. Raises ApiError."""
        tail, limit = whole_number(request, "tailLines"), whole_number(request, "limitBytes")
        seconds, text = whole_number(request, "sinceSeconds"), request.one("sinceTime")
        since = _moment(text) if text else None
        causes = list(_causes(tail, limit, seconds, since))
        if causes:
            raise invalid_object("PodLogOptions", "", pod, causes)
        return cls(
            follow=request.flag("follow"),
            previous=request.flag("previous"),
            timestamps=request.flag("timestamps"),
            since=now - seconds if seconds is not None else since,
            tail_lines=tail,
            limit_bytes=limit,
        )


def _causes(tail: int | None, limit: int | None, seconds: int | None, since: float | None) -> Iterator[Cause]:
    if tail is not None and tail < 0:
        yield invalid("tailLines", tail, NOT_NEGATIVE)
    if limit is not None and limit < 1:
        yield invalid("limitBytes", limit, POSITIVE)
    if seconds is not None and since is not None:
        yield forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    elif seconds is not None and seconds < 1:
        yield invalid("sinceSeconds", seconds, POSITIVE)


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


async def read(store: Store, logs: LogSource | None, request: Request, pod: Object) -> Response:
    """Answer a request for a container's log. Raises ApiError."""
    options = LogOptions.of(request, pod["metadata"]["name"], store.clock.wall())
    name = container_of(pod, request.one("container"))
    status = _status_of(pod, name)
    _check_started(pod, name, status, options)
    if logs is None:
        return Response(raw=b"", content_type=TEXT)
    source = logs
    source(pod, name, False)  # what keeps a log from being read is told now, not in the middle of a stream
    life = Life.of(status, previous=options.previous)
    pieces = sliced(lambda follow: source(pod, name, follow), life, options)
    if options.follow:
        return Response(stream=pieces, content_type=TEXT)
    return Response(raw=b"".join([piece async for piece in pieces]), content_type=TEXT)


def _check_started(pod: Object, name: str, status: Object, options: LogOptions) -> None:
    """A container that never ran has no log. Raises ApiError BadRequest."""
    place = f'container "{name}" in pod "{pod["metadata"]["name"]}"'
    has_ended = bool((status.get("lastState") or {}).get("terminated"))
    if not (pod.get("spec") or {}).get("nodeName") or has_ended:
        return
    if options.previous:
        raise bad_request(f"previous terminated {place} not found")
    waiting = (status.get("state") or {}).get("waiting")
    if waiting is not None:
        reason = waiting.get("reason", "")
        raise bad_request(f"{place} is waiting to start: {WAITING.get(reason, reason)}")


def _status_of(pod: Object, name: str) -> Object:
    """The status of a container; empty when there is none yet."""
    status = pod.get("status") or {}
    both = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    return next((one for one in both if one.get("name") == name), {})


def container_of(pod: Object, asked: str, *, optional: bool = False) -> str:
    """The container meant; empty where none need be named. Raises ApiError BadRequest."""
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    names = [one["name"] for one in spec.get("containers") or ()]
    init = [one["name"] for one in spec.get("initContainers") or ()]
    if asked:
        if asked in names or asked in init:
            return asked
        raise bad_request(f"container {asked} is not valid for pod {name}")
    if len(names) == 1:
        return str(names[0])
    if optional:
        return ""
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    raise bad_request(text)
