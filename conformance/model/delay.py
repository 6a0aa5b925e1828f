"""The scale-down delay: a decision counts for as long as no larger one was made within the delay."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

SLOT_SECONDS: Final = 2
"""Decisions of one slot count as one; slots are counted from the Unix epoch."""


class DelayWindow:
    """The largest desired count of the last `delay` seconds, in slots of two seconds; no delay remembers nothing."""

    __slots__ = ("_decisions", "_slots")

    def __init__(self, delay_seconds: float) -> None:
        self._slots = math.ceil(delay_seconds / SLOT_SECONDS)
        self._decisions: deque[tuple[int, int]] = deque()

    def record(self, now: float, desired: int) -> int:
        """Note a decision and return the largest still in force, this one included."""
        if not self._slots:
            return desired
        slot = math.floor(now) // SLOT_SECONDS
        while self._decisions and slot - self._decisions[0][0] >= self._slots:
            self._decisions.popleft()
        self._decisions.append((slot, desired))
        return max(count for _, count in self._decisions)
