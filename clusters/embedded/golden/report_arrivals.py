"""Which reports of a trace had arrived at a tick.

A trace keeps its reports in the order of their arrival, with their stamps but without the times of arrival. Nearly
always the stamp tells: all reports of a second arrive before its tick. Two things it does not tell: a report stamped
earlier than one before it was late and came some time between its neighbours; and a sender's clock may be a second
ahead. Between the fewest and the most reports that may have arrived, what the tick saw decides (`traces`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

AHEAD_SECONDS: Final = 1
"""How far a sender's clock may be ahead."""


class ReportArrivals:
    """Counts of arrived reports, from their stamps."""

    __slots__ = ("_first_after", "_newest", "_seconds")

    def __init__(self, stamps: Sequence[float]) -> None:
        self._seconds = [math.floor(stamp) for stamp in stamps]
        # Positions of the reports that are newer than, or as new as, all before them.
        self._newest: list[int] = []
        for position, second in enumerate(self._seconds):
            if not self._newest or second >= self._seconds[self._newest[-1]]:
                self._newest.append(position)
        self._first_after = 0

    def fewest(self, second: int) -> int:
        """Reports that must have arrived: everything up to the last punctual one. `second` must not decrease."""
        while self._first_after < len(self._newest) and self._seconds[self._newest[self._first_after]] <= second:
            self._first_after += 1
        return self._newest[self._first_after - 1] + 1 if self._first_after else 0

    def most(self, second: int) -> int:
        """Reports that can have arrived: everything before the first that only a faster clock could have stamped."""
        for position in self._newest[self._first_after :]:
            if self._seconds[position] > second + AHEAD_SECONDS:
                return position
        return len(self._seconds)
