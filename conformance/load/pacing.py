"""An alarm at an absolute moment of the monotonic clock, as a file descriptor (Linux's timerfd).

epoll and asyncio wait in whole milliseconds, ten times the lag that open loops are held to. Called through ctypes, as
Python has these only from 3.13 on.
"""

from __future__ import annotations

import ctypes
import math
import os
import struct
import sys
from typing import Final

_CLOCK_MONOTONIC: Final = 1
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE: Final = 1
_SPEC: Final = struct.Struct("=qq")
_PR_SET_TIMERSLACK: Final = 29


def available() -> bool:
    """Whether this system has timerfd and epoll."""
    return sys.platform == "linux"


class Alarm:
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
    if available():
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
