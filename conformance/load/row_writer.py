"""Writes the three files of a load as it runs: rows, pod names, and one line a second.

The engine only appends to lists in memory; a thread of its own does the writing, because a disk that throttles its
writers would otherwise stall the very loop whose punctuality is on record. In virtual time there are no threads and the
same bytes are written directly.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, Final

FLUSH_ROWS: Final = 8192
MOST_PODS: Final = 100_000
MOST_WAITING_BYTES: Final = 256 << 20
"""What may wait for a disk: three minutes of 20,000 requests a second."""
MOST_WAITING_SECONDS: Final = 60.0
"""How long a disk may write nothing of the rest when the load has ended."""
LONGEST_NAME: Final = 253
"""A DNS subdomain (Kubernetes apimachinery, validation.DNS1123SubdomainMaxLength)."""


@dataclass(frozen=True, slots=True)
class LoadPaths:
    """Where one load step's files are."""

    rows: Path
    names: Path
    lines: Path

    @classmethod
    def of(cls, folder: Path, index: int, shard: int | None = None) -> LoadPaths:
        """Files of a whole step, or of one shard of it until they are merged."""
        stem = f"load-{index}" if shard is None else f"load-{index}.shard-{shard}"
        return cls(folder / f"{stem}.rows", folder / f"{stem}.names", folder / f"{stem}.jsonl")


class RowWriter:
    """Rows as packed bytes in `rows`, appended by the engine; `flush` hands them on."""

    def __init__(self, paths: LoadPaths, *, threaded: bool) -> None:
        paths.rows.parent.mkdir(parents=True, exist_ok=True)
        self.rows: list[bytes] = []
        self.failure: OSError | None = None
        """Set when a file could not be written (disk full, or stuck); nothing is written after it."""
        self._files = tuple(path.open("xb", buffering=0) for path in (paths.names, paths.rows, paths.lines))
        self._pods: dict[bytes, int] = {b"": 0}
        self._new_names: list[bytes] = []
        self._flushed = 0
        self._queue: SimpleQueue[tuple[BinaryIO, bytes] | None] = SimpleQueue()
        # Each is counted by one thread alone.
        self._given = self._taken = 0
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True) if threaded else None
        if self._thread:
            self._thread.start()

    @property
    def count(self) -> int:
        """Rows appended so far."""
        return self._flushed + len(self.rows)

    def pod(self, name: bytes) -> int:
        """The number rows use for a pod; 0 for none, and for names that no cluster gives."""
        number = self._pods.get(name)
        if number is None:
            if len(self._pods) > MOST_PODS or len(name) > LONGEST_NAME:
                return 0
            number = self._pods[name] = len(self._pods)
            self._new_names.append(name.decode("latin-1").encode("unicode_escape") + b"\n")
        return number

    def line(self, value: Mapping[str, Any]) -> None:
        """Append one object to the step's lines."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        self._put(self._files[2], text.encode() + b"\n")

    def flush(self) -> None:
        """Hand over what has been appended; names go first, so that no row on disk refers to a missing name."""
        if self._new_names:
            self._put(self._files[0], b"".join(self._new_names))
            self._new_names.clear()
        if self.rows:
            self._put(self._files[1], b"".join(self.rows))
            self._flushed += len(self.rows)
            self.rows.clear()

    def close(self) -> None:
        """Flush, wait until everything is written, close. Raises OSError when something could not be written."""
        self.flush()
        if self._thread:
            self._queue.put(None)
            self._wait(self._thread)
        else:
            self._close_files()
        if self.failure:
            raise self.failure

    def _wait(self, thread: threading.Thread) -> None:
        while thread.is_alive():
            taken = self._taken
            thread.join(MOST_WAITING_SECONDS)
            if thread.is_alive() and self._taken == taken:
                raise self.failure or _stuck(self._given - taken)

    def _put(self, file: BinaryIO, data: bytes) -> None:
        if not self._thread:
            self._write(file, data)
        elif not self.failure:
            self._given += len(data)
            self._queue.put((file, data))
            if (waiting := self._given - self._taken) > MOST_WAITING_BYTES:
                self.failure = _stuck(waiting)

    def _work(self) -> None:
        while (entry := self._queue.get()) is not None:
            self._write(*entry)
            self._taken += len(entry[1])
        self._close_files()

    def _close_files(self) -> None:
        for file in self._files:
            file.close()

    def _write(self, file: BinaryIO, data: bytes) -> None:
        if self.failure:
            return
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(file.fileno(), rest) :]
        except OSError as error:
            self.failure = error


def _stuck(waiting: int) -> OSError:
    return OSError(errno.ETIMEDOUT, f"the disk does not keep up: {waiting} bytes wait to be written")
