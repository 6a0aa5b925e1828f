"""What containers said, kept per pod while it exists, with following."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from clusters.embedded.api.api_errors import bad_request

Object = dict[str, Any]

KEPT_LINES: Final = 1000


class PodLog:
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
        self._logs: dict[tuple[str, str], PodLog] = {}

    def open(self, uid: str, container: str) -> PodLog:
        """A container's log, begun now if it is new."""
        return self._logs.setdefault((uid, container), PodLog())

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        for key in [key for key in self._logs if key[0] == uid]:
            self._logs.pop(key).close()

    def __call__(self, pod: Object, container: str, follow: bool) -> AsyncIterator[bytes]:
        log = self._logs.get((pod["metadata"]["uid"], container))
        if log is None:
            name = pod["metadata"]["name"]
            raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating')
        return _pieces(log, follow)


async def _pieces(log: PodLog, follow: bool) -> AsyncIterator[bytes]:
    """Lines with their times; those written while nobody read are caught up with as far as they are kept."""
    sent = log.written - len(log.lines)
    while True:
        behind = min(log.written - sent, len(log.lines))
        fresh, sent = list(log.lines)[len(log.lines) - behind :], log.written
        for now, text in fresh:
            yield f"{now} {text}\n".encode()
        if log.written > sent:
            continue
        if not follow or log.closed:
            return
        log.more.clear()
        await log.more.wait()
