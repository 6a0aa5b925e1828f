"""The scale-down delay: a decision counts for as long as no larger one was made within the delay."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

SLOT_SECONDS: Final = 2
"""Decisions of one slot count as one; slots are counted from the Unix epoch."""


class DelayWindow:
    """The largest desired count of the last `delay` seconds, in slots of two seconds."""

    __slots__ = ("_peaks", "_slots")

    def __init__(self, delay_seconds: float) -> None:
        self._slots = math.ceil(delay_seconds / SLOT_SECONDS)
        # (slot, count), newest last, counts strictly descending: an older smaller count can never be the maximum again.
        self._peaks: deque[tuple[int, int]] = deque()

    def record(self, now: float, desired: int) -> int:
        """Note a decision and return the largest still in force, this one included."""
        slot = math.floor(now) // SLOT_SECONDS
        peaks = self._peaks
        while peaks and desired >= peaks[-1][1]:
            peaks.pop()
        while peaks and slot - peaks[0][0] >= self._slots:
            peaks.popleft()
        if peaks and peaks[-1][0] == slot:
            desired = max(desired, peaks.pop()[1])
        peaks.append((slot, desired))
        return peaks[0][1]
