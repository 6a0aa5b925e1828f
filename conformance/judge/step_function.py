"""A quantity that changes in steps, such as a pod count: exact sums and extremes instead of samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StepFunction:
    """Right-continuous: from `times[i]` on the value is `values[i]`; before the first time it is `before`."""

    times: Floats
    values: Floats
    before: float = 0.0

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]], before: float = 0.0) -> StepFunction:
        """From (time, value) pairs in order of time; of several at one time the last counts."""
        times: list[float] = []
        values: list[float] = []
        for time, value in points:
            if times and time <= times[-1]:
                values[-1] = value
            elif not values or value != values[-1]:
                times.append(time)
                values.append(value)
        return cls(np.array(times, dtype=np.float64), np.array(values, dtype=np.float64), before)

    @classmethod
    def counting(cls, starts: Sequence[float], ends: Sequence[float]) -> StepFunction:
        """How many intervals are open; an infinite end stays open."""
        marks = sorted([(time, 1) for time in starts] + [(time, -1) for time in ends if time != float("inf")])
        count = 0
        points = []
        for time, change in marks:
            count += change
            points.append((time, float(count)))
        return cls.of(points)

    def at(self, moments: Floats) -> Floats:
        """Values at these times."""
        if not len(self.times):
            return np.full(len(moments), self.before)
        index = np.searchsorted(self.times, moments, side="right")
        return np.where(index > 0, self.values[np.maximum(index - 1, 0)], self.before)

    def value(self, moment: float) -> float:
        """The value at one time."""
        return float(self.at(np.array([moment]))[0])

    def later(self, seconds: float) -> StepFunction:
        """The same, so much later."""
        return StepFunction(self.times + seconds, self.values, self.before)

    def at_least(self, least: float) -> StepFunction:
        """The same, but never below this after its beginning."""
        return StepFunction(self.times, np.maximum(self.values, least), self.before)

    def at_most(self, most: float) -> StepFunction:
        """The same, but never above this after its beginning."""
        return StepFunction(self.times, np.minimum(self.values, most), self.before)

    def from_on(self, moment: float, other: StepFunction) -> StepFunction:
        """This until a moment, another from it on."""
        old, new = self.times < moment, other.times > moment
        times = np.concatenate((self.times[old], [moment], other.times[new]))
        values = np.concatenate((self.values[old], [other.value(moment)], other.values[new]))
        return StepFunction(times, values, self.before)

    def within(self, start: float, end: float) -> Floats:
        """All values taken in [start, end], in order."""
        inside = (self.times > start) & (self.times <= end)
        return np.concatenate((self.at(np.array([start])), self.values[inside]))

    def least(self, start: float, end: float) -> float:
        """The smallest value in [start, end]."""
        return float(self.within(start, end).min())

    def most(self, start: float, end: float) -> float:
        """The largest value in [start, end]."""
        return float(self.within(start, end).max())

    def changes(self, start: float, end: float) -> list[tuple[float, float, float]]:
        """(time, from, to) of the steps in (start, end]."""
        found = []
        previous = self.value(start)
        for time, value in zip(self.times, self.values, strict=True):
            if start < time <= end and value != previous:
                found.append((float(time), previous, float(value)))
                previous = float(value)
        return found

    def first(self, start: float, end: float, least: float) -> float | None:
        """When the value is first at or above `least` in [start, end]."""
        if self.value(start) >= least:
            return start
        return next((time for time, _, value in self.changes(start, end) if value >= least), None)


def summed(functions: Sequence[StepFunction]) -> StepFunction:
    """The sum of functions; NaN counts as nothing."""
    times = np.unique(np.concatenate([np.zeros(0), *(each.times for each in functions)]))
    values = sum((np.nan_to_num(each.at(times)) for each in functions), np.zeros(len(times)))
    return StepFunction.of(zip(times.tolist(), values.tolist(), strict=True), sum(each.before for each in functions))


def extremes(values: Floats, back: int, ahead: int) -> tuple[Floats, Floats]:
    """Running least and most over `back` samples before and `ahead` after each."""
    padded = np.pad(values, (back, ahead), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, back + ahead + 1)
    return windows.min(axis=1), windows.max(axis=1)
