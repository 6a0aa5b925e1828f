"""A sliding window of one-second sums and the two ways to average it.

Time is Unix seconds; a value belongs to the second it falls into. The linear mean forgets nothing until the window has
moved on and does not count the seconds after the last write as zeros; the weighted mean halves the past again and again
and is never corrected for a window that is not full yet.
"""

from __future__ import annotations

import math
from typing import Final

from conformance.model.rounding import power, round_to_micro

_SMOOTHING_MINIMUM: Final = 0.2
_WEIGHT_REST: Final = 0.0001
"""The share of the weights that may lie beyond the window."""


def smoothing(buckets: int) -> float:
    """The weight of the newest second: what all seconds of the window together need to reach 0.9999, at least 0.2."""
    return max(1 - power(_WEIGHT_REST, 1 / buckets), _SMOOTHING_MINIMUM)


class Window:
    """The sums of the last `seconds` seconds.

    `total` is carried along rather than summed up on each read: that is what Knative does, and both the speed and the
    last bits of the mean depend on it.
    """

    __slots__ = ("_buckets", "_first", "_last", "_seconds", "_smoothing", "_total", "weighted")

    # These exist from the first value on.
    _buckets: list[float]
    _first: int | None
    _total: float

    def __init__(self, seconds: float, *, weighted: bool = False) -> None:
        self.weighted = weighted
        self._seconds = seconds
        self._smoothing = smoothing(math.ceil(seconds))
        self._last: int | None = None

    @property
    def seconds(self) -> float:
        """The window's length."""
        return self._seconds

    @property
    def span_seconds(self) -> int:
        """Seconds from the first write to the last that a mean is over, at most the window's; 0 before the first."""
        if self._last is None:
            return 0
        length = len(self._buckets)
        return length if self._first is None else min(length, self._last - self._first + 1)

    def record(self, at: float, value: float) -> None:
        """Add a value to its second; one that is a whole window older than the newest is dropped."""
        second = math.floor(at)
        last = self._last
        if last is None or second > last:
            self._advance(second)
        elif second < last:
            if second + self._seconds <= last:
                return
            self._first = second if self._first is None else min(self._first, second)
        self._buckets[second % len(self._buckets)] += value
        self._total += value

    def _advance(self, second: int) -> None:
        """Make `second` the newest: the seconds skipped become zeros, a whole window skipped starts afresh."""
        if self._last is None or second - self._last >= self._seconds:
            self._first = second
            self._buckets = [0.0] * math.ceil(self._seconds)
            self._total = 0.0
        else:
            if self._first is None:
                self._first = second
            for skipped in range(self._last + 1, second + 1):
                place = skipped % len(self._buckets)
                self._total -= self._buckets[place]
                self._buckets[place] = 0.0
        self._last = second

    def is_empty(self, now: float) -> bool:
        """Whether nothing was written for longer than the window."""
        return self._last is None or math.floor(now) - self._last > self._seconds

    def average(self, now: float) -> float:
        """The mean per second as seen at `now`; 0 when there is nothing left to see."""
        if self._last is None:
            return 0.0
        silent = math.floor(now) - self._last
        return self._weighted_mean(silent) if self.weighted else self._linear_mean(silent)

    def _linear_mean(self, silent: int) -> float:
        """The mean over the seconds from the first write to the last, rounded to six decimals."""
        assert self._last is not None
        if silent >= self._seconds:
            return 0.0
        length = len(self._buckets)
        # After a resize following a long silence the first write is unknown: then the whole window counts.
        span = length if self._first is None else self._last - self._first + 1
        zeros = max(0, silent)
        total = self._total
        for outdated in range(self._last + 1, self._last + zeros + 1):
            total -= self._buckets[outdated % length]
        return round_to_micro(total / min(span, length - zeros))

    def _weighted_mean(self, silent: int) -> float:
        """The exponentially weighted sum, newest second first; silent seconds weigh in as zeros. Not rounded."""
        assert self._last is not None
        length = len(self._buckets)
        zeros = max(0, silent)
        keep = 1 - self._smoothing
        weight = self._smoothing * power(keep, zeros)
        mean = 0.0
        for age in range(length - zeros):
            mean += self._buckets[(self._last - age) % length] * weight
            weight *= keep
        return mean

    def resize(self, seconds: float, now: float) -> None:
        """Change the length, keeping the newest seconds that fit.

        The first write moves to where the old window began, even if nothing was written there, so that the next means
        are taken over more seconds than before. After a silence longer than the old window nothing is kept.
        """
        if seconds == self._seconds:
            return
        buckets = [0.0] * math.ceil(seconds)
        total = 0.0
        if self._last is not None and math.floor(now) - self._last <= self._seconds:
            old = len(self._buckets)
            for second in range(self._last, self._last - min(len(buckets), old), -1):
                buckets[second % len(buckets)] = self._buckets[second % old]
                total += self._buckets[second % old]
            self._first = self._last - (old - 1)
        else:
            self._first = None
        self._seconds = seconds
        self._buckets = buckets
        self._smoothing = smoothing(len(buckets))
        self._total = total
