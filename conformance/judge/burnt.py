"""What the witnesses of a run say that they burnt, second by second: a second source for what pods used.

Read from `witness/SCENARIO/POD.jsonl` beside the recording, where the account may read logs; a pod without such a file
has said nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from conformance.judge.history import History
from conformance.judge.once import once
from conformance.judge.step_function import Floats

WINDOW_SECONDS: Final = 15.0
"""Over which metrics-server measures at the most often."""
OLDEST_SECONDS: Final = 45.0
"""A figure may be so old: one round of metrics-server and one of the kubelet, and a window."""
OWN_SHARE: Final = 1.1
OWN_MILLICORES: Final = 10.0
"""What a witness uses at the most beside what it burns: two milliseconds a request, where each burns forty, and idling;
measured on a real cluster."""


@dataclass(frozen=True, slots=True)
class Burnt:
    """The accounts of one pod."""

    times: Floats
    """Seconds from the recording's origin."""
    seconds: Floats
    """Processor time burnt until then."""

    def millicores(self, t: float) -> tuple[float, float]:
        """The least and the most that a measurement known at a time may say."""
        ends = np.arange(t - OLDEST_SECONDS + WINDOW_SECONDS, t + 1.0, 1.0)
        used = np.interp(ends, self.times, self.seconds) - np.interp(ends - WINDOW_SECONDS, self.times, self.seconds)
        rates = used * 1000.0 / WINDOW_SECONDS
        return float(rates.min()), float(rates.max()) * OWN_SHARE + OWN_MILLICORES


@once
def burnt(history: History) -> dict[str, Burnt]:
    """By pod; those whose witness said what it burnt."""
    folder = history.recording.folder.parent.parent / "witness" / history.name
    if not folder.is_dir():
        return {}
    origin = history.wall(0.0)
    found = {}
    for path in sorted(folder.glob("*.jsonl")):
        points = sorted((wall - origin, used) for wall, used in _accounts(path))
        if points:
            times, seconds = zip(*points, strict=True)
            # A pod burnt nothing before its first account, which comes within a second of its first request.
            found[path.stem] = Burnt(np.array([times[0] - 1.0, *times]), np.array([0.0, *seconds]))
    return found


def _accounts(path: Path) -> Iterator[tuple[float, float]]:
    """(Unix time, processor seconds); lines of another shape say nothing."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            wall, used = float(entry["wall"]), float(entry["cpu_seconds"])
        except (ValueError, TypeError, LookupError):
            continue
        yield wall, used
