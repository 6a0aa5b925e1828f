"""How sure a figure is: intervals that say how much of a difference may be noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Z95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval and the number of samples behind it."""

    value: float
    low: float
    high: float
    samples: int

    def differs(self, other: Estimate) -> bool:
        """Whether the intervals are apart: more than noise between independent samples."""
        return self.high < other.low or other.high < self.low


def wilson(failures: int, runs: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's interval of a rate; (0, 1) when there was no run."""
    if runs <= 0:
        return 0.0, 1.0
    share = failures / runs
    middle = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    return max(0.0, middle - half), min(1.0, middle + half)


def quantile(values: NDArray[Any], q: float) -> Estimate | None:
    """A quantile with the interval of its order statistics, which assumes nothing about the distribution but that the
    samples are independent; answers queue behind each other, so for latencies the truth is somewhat wider."""
    count = len(values)
    if not count:
        return None
    ordered = np.sort(values)
    half = Z95 * math.sqrt(count * q * (1 - q))
    low = min(max(math.floor(count * q - half), 0), count - 1)
    high = min(max(math.ceil(count * q + half), 0), count - 1)
    return Estimate(float(np.quantile(ordered, q)), float(ordered[low]), float(ordered[high]), count)
