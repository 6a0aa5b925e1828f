"""What containers said, kept per pod while it exists, with following."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from clusters.embedded.api.status import bad_request

Object = dict[str, Any]

KEPT_LINES: Final = 1000


class Log:
    """One container's output."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque(maxlen=KEPT_LINES)
        self.written = 0
        self.closed = False
        self.more = asyncio.Event()

    def write(self, now: str, text: str) -> None:
        self.lines.append((now, text))
        self.written += 1
        self.more.set()

    def close(self) -> None:
        self.closed = True
        self.more.set()


class PodLogs:
    """All logs, by pod uid and container. The API server's log hook."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], Log] = {}

    def open(self, uid: str, container: str) -> Log:
        """A container's log, begun now if it is new."""
        return self._logs.setdefault((uid, container), Log())

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        for key in [key for key in self._logs if key[0] == uid]:
            self._logs.pop(key).close()

    def __call__(self, pod: Object, container: str, query: Mapping[str, str]) -> AsyncIterator[bytes]:
        log = self._logs.get((pod["metadata"]["uid"], container))
        if log is None:
            name = pod["metadata"]["name"]
            raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
        return _pieces(log, query)


async def _pieces(log: Log, query: Mapping[str, str]) -> AsyncIterator[bytes]:
    stamped = query.get("timestamps") == "true"
    lines = list(log.lines)
    seen = log.written
    tail = query.get("tailLines")
    if tail is not None and tail.isdigit():
        lines = lines[len(lines) - min(len(lines), int(tail)) :]
    for line in lines:
        yield _line(line, stamped)
    while query.get("follow") == "true" and (log.written > seen or not log.closed):
        log.more.clear()
        if log.written == seen:
            await log.more.wait()
        fresh = list(log.lines)[len(log.lines) - (log.written - seen) :] if log.written > seen else []
        seen = log.written
        for line in fresh:
            yield _line(line, stamped)


def _line(line: tuple[str, str], stamped: bool) -> bytes:
    now, text = line
    return (f"{now} {text}\n" if stamped else f"{text}\n").encode()
