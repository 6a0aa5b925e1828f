"""Due times as pure functions of a plan: sorted, seeded, made lazily, so that ten million arrivals take no memory.

Every engine reads the same stream, so what was offered can be recomputed from the plan stored with a recording. Times
are seconds from the plan's start.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan, LoadShape, Phase

OPEN: Final = frozenset({LoadShape.CONSTANT, LoadShape.POISSON, LoadShape.RAMP, LoadShape.BURST})
_ROUNDING: Final = 1e-9


class Arrival(NamedTuple):
    """One request that is due. `worker` is 0 in open loops."""

    due: float
    phase: int
    worker: int


def validate(plan: LoadPlan) -> None:
    """Raises InvalidLoadError for a plan that cannot be offered, naming the phase and the value."""
    if not plan.phases:
        raise InvalidLoadError("load: a plan needs at least one phase")
    for number, phase in enumerate(plan.phases):
        for wrong in _faults(phase, last=number == len(plan.phases) - 1):
            raise InvalidLoadError(f"load: phase {number + 1} ({phase.shape.value}): {wrong}")
    if not plan.max_in_flight >= 1:
        raise InvalidLoadError(f"load: max_in_flight is {plan.max_in_flight}; it has to be 1 or more")
    for name in ("drain_seconds", "timeout_seconds"):
        if not getattr(plan, name) >= 0:
            raise InvalidLoadError(f"load: {name} is {getattr(plan, name)}; it cannot be negative")


def _faults(phase: Phase, *, last: bool) -> Iterator[str]:
    if not 0 <= phase.seconds < math.inf:
        yield f"seconds is {phase.seconds}; it has to be finite and not negative"
    if phase.shape in (LoadShape.CLOSED, LoadShape.SALVO) and not 1 <= phase.workers <= 65535:
        yield f"workers is {phase.workers}; it has to be between 1 and 65535"
    if phase.shape is LoadShape.SALVO and not 0 < phase.rate_per_worker <= 1e6:
        yield f"rate_per_worker is {phase.rate_per_worker}; it has to be above 0 and at most 1000000"
    if phase.shape in (LoadShape.CONSTANT, LoadShape.POISSON) and not 0 < phase.rate < math.inf:
        yield f"rate is {phase.rate}; it has to be above 0"
    if phase.shape is LoadShape.RAMP and not (
        phase.rate >= 0 and phase.rate_end >= 0 and phase.rate + phase.rate_end > 0
    ):
        yield f"it goes from {phase.rate} to {phase.rate_end}; neither can be negative nor both 0"
    if phase.shape is LoadShape.BURST and phase.count < 1:
        yield f"count is {phase.count}; it has to be 1 or more"
    if phase.count and phase.shape in (LoadShape.CLOSED, LoadShape.SALVO) and phase.count < phase.workers:
        yield f"count {phase.count} is below its {phase.workers} workers; each sends count / workers requests"
    if phase.seconds == 0 and phase.shape is not LoadShape.BURST and not (phase.count and last):
        yield "seconds is 0; only a burst, or a counted last phase, may leave the length open"


def phase_ends(plan: LoadPlan) -> tuple[float, ...]:
    """When each phase's time is up; infinite for a counted phase without a length."""
    ends, base = [], 0.0
    for phase in plan.phases:
        base += phase.seconds
        unlimited = phase.seconds == 0 and phase.shape in (LoadShape.CLOSED, LoadShape.SALVO)
        ends.append(math.inf if unlimited else base)
    return tuple(ends)


def stream(plan: LoadPlan, shard: int = 0, shards: int = 1) -> Iterator[Arrival]:
    """All arrivals of a plan in order: open loops in full; of a closed phase the first request of every worker; of a
    salvo phase every tick of every worker, also those that will find their worker busy.

    Of several shards, number k takes every arrival and worker k, k + shards, ... so that the union is the plan.
    """
    base, before = 0.0, 0
    for number, phase in enumerate(plan.phases):
        if phase.shape in OPEN:
            # Striping counts through all open phases, or a plan of many bursts of one would all fall to shard 0.
            first = (shard - before) % shards
            count = 0
            for count, offset in enumerate(offsets(phase, seed=f"{plan.seed}/{number}"), 1):
                if (count - 1) % shards == first:
                    yield Arrival(base + offset, number, 0)
            before += count
        elif phase.shape is LoadShape.CLOSED:
            yield from (Arrival(base, number, worker) for worker in range(shard, phase.workers, shards))
        elif phase.shape is LoadShape.SALVO:
            for offset in _ticks(phase):
                yield from (Arrival(base + offset, number, worker) for worker in range(shard, phase.workers, shards))
        base += phase.seconds


def offsets(phase: Phase, seed: str) -> Iterator[float]:
    """Due times of an open phase from its start."""
    if phase.shape is LoadShape.CONSTANT:
        return (number / phase.rate for number in range(_whole(phase.rate * phase.seconds)))
    if phase.shape is LoadShape.POISSON:
        return _poisson(phase, seed)
    if phase.shape is LoadShape.RAMP:
        return _ramp(phase)
    if phase.shape is LoadShape.BURST:
        return (0.0 for _ in range(phase.count))
    raise ValueError(f"{phase.shape.value} is not an open loop")


def _whole(amount: float) -> int:
    """How many of 0, 1, 2 ... lie below `amount`."""
    return math.ceil(amount - _ROUNDING)


def _poisson(phase: Phase, seed: str) -> Iterator[float]:
    draw = random.Random(seed).expovariate
    at = draw(phase.rate)
    while at < phase.seconds:
        yield at
        at += draw(phase.rate)


def _ramp(phase: Phase) -> Iterator[float]:
    """Arrival i is due when the integral of the rate, r0·t + a·t² with a = (r1 - r0) / 2T, reaches i.

    Solved as t = 2i / (r0 + √(r0² + 4ai)), which stays exact when the slope is nearly or exactly 0.
    """
    start = phase.rate
    slope = (phase.rate_end - start) / (2 * phase.seconds)
    for number in range(_whole((start + phase.rate_end) / 2 * phase.seconds)):
        under = start * start + 4 * slope * number
        yield 0.0 if number == 0 else min(2 * number / (start + math.sqrt(max(0.0, under))), phase.seconds)


def tick_seconds(rate_per_worker: float) -> float:
    """hey's ticker period: 1/Q in whole microseconds, cut off (hey/requester/requester.go)."""
    return max(1, int(1e6 / rate_per_worker)) / 1e6


def _ticks(phase: Phase) -> Iterator[float]:
    """A ticker's first tick comes after one whole period. The tick at the very end counts: hey's stop signal is only
    seen before waiting for a tick, so a worker already waiting still sends."""
    period = tick_seconds(phase.rate_per_worker)
    number = 1
    while phase.seconds == 0 or number * period <= phase.seconds + _ROUNDING:
        yield number * period
        number += 1


def peak_rate(plan: LoadPlan) -> float:
    """The highest rate the plan asks for in any second, in requests per second; closed loops ask for none."""
    rates = [0.0]
    for phase in plan.phases:
        if phase.shape is LoadShape.SALVO:
            rates.append(phase.workers * phase.rate_per_worker)
        elif phase.shape in OPEN:
            rates.append(max(phase.rate, phase.rate_end, float(phase.count)))
    return max(rates)
