"""What processes hold at a moment: memory, tasks, open files; read by `ps` and /dev/fd, which Linux and macOS share."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from conformance.run.progress_event import ProgressEvent
from tests.reliability.matrix import Silent


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. The platform's figures are 0 where it lives in the same process."""

    seconds: float
    """On the event loop's clock."""
    blocks: int
    """Python objects and pieces of them, which know nothing of an allocator's caches."""
    rss_mib: float
    tasks: int
    files: int
    platform_mib: float = 0.0
    platform_files: int = 0


def look(platform: int | None = None) -> Sample:
    """This process as it is now, and the platform's where it has one of its own."""
    gc.collect()
    now, tasks = asyncio.get_running_loop().time(), len(asyncio.all_tasks())
    here = os.getpid()
    held = resident(here, *([platform] if platform else []))
    other = (held[platform], files_of(platform)) if platform else (0.0, 0)
    return Sample(now, sys.getallocatedblocks(), held[here], tasks, open_files(), *other)


def resident(*processes: int) -> dict[int, float]:
    """MiB of resident memory now, by process; 0 for one that is gone."""
    words = ["ps", "-o", "pid=,rss=", "-p", ",".join(map(str, processes))]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    rows = (line.split() for line in done.stdout.splitlines())
    return {**dict.fromkeys(processes, 0.0), **{int(pid): int(kib) / 1024 for pid, kib in rows}}


def open_files() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/dev/fd"))


def files_of(process: int) -> int:
    """File descriptors of another process; 0 where the system has no /proc."""
    place = Path(f"/proc/{process}/fd")
    return len(list(place.iterdir())) if place.is_dir() else 0


@dataclass
class Watcher(Silent):
    """Looks whenever a scenario comes to a new phase of rest, and after every tenth scenario."""

    platform: int | None = None
    samples: list[Sample] = field(default_factory=list)
    _phase: str = ""
    _finished: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def update(self, name: str, news: ProgressEvent) -> None:
        phase = news.phase or self._phase
        if phase == "idle" != self._phase:
            self.samples.append(look(self.platform))
        self._phase = phase

    def finish(self, name: str, outcome: str) -> None:
        self._finished += 1
        if self._finished % 10 == 0:
            self.samples.append(look(self.platform))
