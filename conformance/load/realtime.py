"""What Linux offers to be on time: an absolute timer as a descriptor, a priority, and a core that does not fall asleep.

epoll and asyncio wait in whole milliseconds, ten times the lag that open loops are held to; timerfd, called through
ctypes as Python has it only from 3.13 on, waits for a moment of the monotonic clock.

A core with nothing to do halts, and waking it takes tens of microseconds on bare metal and up to two hundred under a
hypervisor, in every latency and every send. Two things prevent it: the kernel's own request for no latency, which
processors honour, and a process that is idle by policy (SCHED_IDLE), which keeps a virtual core from being handed back
to its hypervisor. Such a process gives way to any other at once and never delays one; its time is not the engine's.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

REALTIME: Final = "realtime"
_ELEVATED_NICE: Final = -10
_REALTIME_PRIORITY: Final = 10
_CLOCK_MONOTONIC: Final = 1
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE: Final = 1
_SPEC: Final = struct.Struct("=qq")
_PR_SET_TIMERSLACK: Final = 29
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


def has_timerfd() -> bool:
    """Whether this system has timerfd and epoll."""
    return sys.platform == "linux"


class TimerFd:
    """Becomes readable at the moment it was set to. To be watched edge-triggered: setting it again is all it takes for
    the next ring, and no read is needed in between."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._set = self._libc.timerfd_settime
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = ctypes.create_string_buffer(32)
        self._at = 0.0

    def fileno(self) -> int:
        return self._fd

    def set(self, at: float) -> None:
        """Ring at this monotonic second; one that has passed rings at once, an infinite one never."""
        if at == self._at:
            return
        self._at = at
        whole = 0 if at == math.inf else int(at)
        # Zero disarms, so the clock's very start is one nanosecond later.
        nanoseconds = 0 if at == math.inf else max(int((at - whole) * 1e9), 0 if whole else 1)
        _SPEC.pack_into(self._spec, 16, whole, nanoseconds)
        self._set(self._fd, _ABSOLUTE, self._spec, None)

    def close(self) -> None:
        os.close(self._fd)


def sharpen_timers() -> None:
    """Ask Linux for 1 ns of slack on this process's timers instead of 50 µs."""
    if has_timerfd():
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def raise_priority(priority: str) -> str:
    """Ask the scheduler for what a job wants; what it granted."""
    try:
        if priority == REALTIME and has_timerfd():
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REALTIME_PRIORITY))
            return REALTIME
        if priority in ("elevated", REALTIME):
            os.setpriority(os.PRIO_PROCESS, 0, _ELEVATED_NICE)
            return "elevated"
    except OSError:
        return "normal"
    return "normal"


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
