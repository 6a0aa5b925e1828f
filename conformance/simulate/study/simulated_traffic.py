"""Simulated arrivals: rows of a closed or an open loop against pods that answer after their service time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.judge.arrivals import ROWS, Rows
from conformance.judge.step_function import Floats


@dataclass(frozen=True, slots=True)
class Stretch:
    """One phase of load: `workers` in a closed loop or `rate` per second."""

    seconds: float
    workers: int = 0
    rate: float = 0.0
    poisson: bool = False

    def body(self) -> dict[str, object]:
        """As a plan's phase."""
        if self.workers:
            return {"shape": "closed", "workers": self.workers, "seconds": self.seconds}
        return {"shape": "poisson" if self.poisson else "constant", "rate": self.rate, "seconds": self.seconds}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a request takes: in the model, and on its way there and back."""

    service_seconds: float
    way_seconds: float
    jitter: float = 0.02
    """Relative spread of the service time."""


def rows(stretches: Sequence[Stretch], start: float, first_served: float, pace: Pace, rng: np.random.Generator) -> Rows:
    """Rows of all stretches from `start`; nobody is served before `first_served`."""
    parts = []
    begin = start
    for stretch in stretches:
        parts.append(_closed(stretch, begin, first_served, pace, rng) if stretch.workers
                     else _open(stretch, begin, first_served, pace, rng))  # fmt: skip
        begin += stretch.seconds
    return np.concatenate(parts)


def _closed(stretch: Stretch, begin: float, served: float, pace: Pace, rng: np.random.Generator) -> Rows:
    end = begin + stretch.seconds
    found = []
    for worker in range(stretch.workers):
        sent = begin + rng.uniform(0.0, 0.01)
        waits: list[float] = []
        if served > sent:
            waits.append(sent)
            sent = served + pace.service_seconds + pace.way_seconds
        count = max(0, int((end - sent) / pace.service_seconds) + 2)
        turn = _service(pace, count, rng)
        way = _way(pace, count, rng)
        gap = rng.exponential(0.0005, count)
        starts = sent + np.concatenate(([0.0], np.cumsum(turn + way + gap)[:-1])) if count else np.zeros(0)
        inside = starts < end
        block = _block(starts[inside], turn[inside], way[inside], worker)
        if waits:
            first = _block(np.array(waits), np.array([pace.service_seconds]), np.array([pace.way_seconds]), worker)
            first["end"] = served + pace.service_seconds + pace.way_seconds
            block = np.concatenate((first, block))
        found.append(block)
    return np.concatenate(found)


def _open(stretch: Stretch, begin: float, served: float, pace: Pace, rng: np.random.Generator) -> Rows:
    if stretch.poisson:
        gaps = rng.exponential(1.0 / stretch.rate, int(stretch.rate * stretch.seconds * 1.5) + 20)
        starts = begin + np.cumsum(gaps)
        starts = starts[starts < begin + stretch.seconds]
    else:
        starts = begin + np.arange(int(stretch.rate * stretch.seconds)) / stretch.rate
    turn = _service(pace, len(starts), rng)
    block = _block(starts, turn, _way(pace, len(starts), rng), 0)
    waits = block["sent"] < served
    block["end"][waits] = served + turn[waits] + pace.way_seconds
    return block


def _service(pace: Pace, count: int, rng: np.random.Generator) -> Floats:
    return pace.service_seconds * np.maximum(0.2, 1.0 + pace.jitter * rng.standard_normal(count))


def _way(pace: Pace, count: int, rng: np.random.Generator) -> Floats:
    return pace.way_seconds * (0.5 + rng.exponential(0.5, count))


def _block(starts: Floats, turn: Floats, way: Floats, worker: int) -> Rows:
    block = np.zeros(len(starts), dtype=ROWS)
    block["scheduled"] = block["sent"] = starts
    block["end"] = block["first_byte"] = starts + turn + way
    block["status"] = 200
    block["model_seconds"] = turn
    block["worker"] = worker
    block["pod"] = 1
    block["in_flight"] = 1
    return block
