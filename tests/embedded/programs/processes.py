"""What runs on this machine, read from /proc."""

from __future__ import annotations

import asyncio
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def gone(*pids: int) -> None:
    """Return when processes are no more; they have ten seconds."""
    async with asyncio.timeout(60):
        while any(map(is_alive, pids)):
            await asyncio.sleep(0.01)


def children(pid: int, word: str) -> list[int]:
    """What a process has started, of which the command line has a word in it."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in found if word in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8")]
