"""A core that does not fall asleep, for engines at real-time priority (Linux).

A core with nothing to do halts, and waking it takes tens of microseconds on bare metal and up to two hundred under a
hypervisor, in every latency and every send. Two things prevent it: the kernel's own request for no latency, which
processors honour, and a process that is idle by policy (SCHED_IDLE), which keeps a virtual core from being handed back
to its hypervisor. Such a process gives way to any other at once and never delays one; its time is not the engine's.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LATENCY: Final = Path("/dev/cpu_dma_latency")
_NO_LATENCY: Final = bytes(4)
_IDLER: Final = """
import os, sys
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
os.sched_setaffinity(0, {int(sys.argv[2])})
while os.getppid() == int(sys.argv[1]):
    for _ in range(100_000):
        pass
"""
"""Ends with its parent, however that ends."""


def choose_core(allowed: set[int], shard: int) -> int:
    """Shards have different cores where there are enough; the first is left to interrupts as long as possible."""
    cores = sorted(allowed, reverse=True)
    return cores[shard % len(cores)]


@contextlib.contextmanager
def own_core(shard: int = 0) -> Iterator[None]:
    """Bind this thread to one core for good, and keep that awake until the block ends."""
    core = choose_core(os.sched_getaffinity(0), shard)
    os.sched_setaffinity(0, {core})
    with awake(core):
        yield


@contextlib.contextmanager
def awake(core: int) -> Iterator[None]:
    """Keep a core from falling asleep until the block ends. What the system refuses is left out."""
    latency = -1
    with contextlib.suppress(OSError):
        latency = os.open(_LATENCY, os.O_WRONLY | os.O_CLOEXEC)
        os.write(latency, _NO_LATENCY)
    idler = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _IDLER, str(os.getpid()), str(core)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        idler.kill()
        idler.wait()
        if latency >= 0:
            os.close(latency)
