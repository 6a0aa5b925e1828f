"""Logs of containers: which part of one a request asks for, as a kubelet cuts it.

Order: lines of the container asked for (the running one, or the one before), then since, then tail, then the limit in
bytes, which may cut through a line and counts the time stamps that are sent.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clusters.embedded.api.admission_chain import LogSource
from clusters.embedded.api.api_errors import Object, bad_request
from clusters.embedded.api.api_errors import invalid as invalid_object
from clusters.embedded.api.field_errors import NOT_NEGATIVE, invalid
from clusters.embedded.api.query_options import whole_number
from clusters.embedded.api.request import Request, Response
from clusters.embedded.api.store import Store

TEXT: Final = "text/plain"
WAITING: Final = {"ImagePullBackOff": "trying and failing to pull image", "ErrImagePull": "image can't be pulled"}
"""Reasons that are worded differently where a log is asked for."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What of a log is wanted."""

    follow: bool
    previous: bool
    timestamps: bool
    since: float | None
    """Unix seconds."""
    tail_lines: int | None
    limit_bytes: int | None

    @classmethod
    def of(cls, request: Request, pod: str, now: float) -> LogOptions:
        """Parse and validate. Raises ApiError."""
        numbers = {name: whole_number(request, name) for name in ("tailLines", "limitBytes", "sinceSeconds")}
        for name, number in numbers.items():
            if number is not None and number < (0 if name == "tailLines" else 1):
                cause = invalid(name, number, NOT_NEGATIVE if name == "tailLines" else "must be greater than 0")
                raise invalid_object("PodLogOptions", "", pod, [cause])
        seconds, text = numbers["sinceSeconds"], request.one("sinceTime")
        return cls(
            follow=request.flag("follow"),
            previous=request.flag("previous"),
            timestamps=request.flag("timestamps"),
            since=now - seconds if seconds is not None else _moment(text) if text else None,
            tail_lines=numbers["tailLines"],
            limit_bytes=numbers["limitBytes"],
        )


def _moment(text: str) -> float:
    """An RFC 3339 time in Unix seconds. Raises ApiError BadRequest."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise bad_request(f'parsing time "{text}": it is not an RFC 3339 time') from None


def _life(container: Object, *, previous: bool) -> tuple[float, float]:
    """When the container meant was running, from its status. One that never restarted has the whole log."""
    before = (container.get("lastState") or {}).get("terminated") or {}
    running = (container.get("state") or {}).get("running") or {}
    start, end = (before.get("startedAt"), before.get("finishedAt")) if previous else (running.get("startedAt"), None)
    if not before:
        start = end = None
    # Stamps of a status have whole seconds.
    return _moment(start) if start else -math.inf, _moment(end) + 1 if end else math.inf


Source = Callable[[bool], AsyncIterator[bytes]]
"""A log from its beginning, each piece one line with its time stamp in front; true: followed."""


async def sliced(source: Source, life: tuple[float, float], options: LogOptions) -> AsyncIterator[bytes]:
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


async def _chosen(source: Source, life: tuple[float, float], options: LogOptions) -> AsyncIterator[bytes]:
    written = [line async for line in source(False)]
    first, end = max(life[0], -math.inf if options.since is None else options.since), life[1]
    held = [line for line in written if first <= _moment(line.partition(b" ")[0].decode()) < end]
    tail = len(held) if options.tail_lines is None else options.tail_lines
    for line in held[max(0, len(held) - tail) :]:
        yield line
    if not options.follow or options.previous:
        return
    place = 0
    async for line in source(True):
        place += 1
        if place > len(written):
            yield line


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
    life = _life(status, previous=options.previous)
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
