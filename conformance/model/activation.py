"""Whether a revision is active, and who stands in the path of its requests.

The Active condition is what scaling to zero waits for: True once enough pods are ready, False when none are wanted, and
Unknown ("activating") between. Its clock starts again with every change of status or reason.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, NamedTuple

from conformance.model.decider import UNKNOWN_SCALE
from conformance.model.parameters import Parameters
from conformance.model.rounding import ceiling, to_count

ACTIVATORS_MINIMUM: Final = 2


class Status(Enum):
    """The status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Mode(Enum):
    """How the public service of a revision is backed: by the activator, or by its pods if one is ready."""

    PROXY = "Proxy"
    SERVE = "Serve"


class Activation(NamedTuple):
    """The Active condition."""

    status: Status
    reason: str
    since: float
    """Unix seconds of the last change, whole: conditions carry no fractions."""

    def age(self, now: float) -> float:
        """Seconds since the last change."""
        return now - self.since


def created(now: float) -> Activation:
    """The condition of a revision that was never looked at."""
    return Activation(Status.UNKNOWN, "", math.floor(now))


def change(activation: Activation, status: Status, reason: str, now: float) -> Activation:
    """The condition with a new status and reason; the clock restarts only if either differs."""
    if (status, reason) == (activation.status, activation.reason):
        return activation
    return Activation(status, reason, math.floor(now))


def ready_minimum(parameters: Parameters, *, initialized: bool) -> int:
    """Ready pods from which the revision is active: its initial scale once, later its least, at least one."""
    return max(parameters.min_scale, 1 if initialized else parameters.initial_scale)


def judge(
    activation: Activation, parameters: Parameters, *, initialized: bool, want: int, ready: int, now: float
) -> tuple[Activation, bool]:
    """(condition, initialized) after a reconciliation that wants `want` pods (-1 unknown) and found `ready`.

    `initialized` latches: once the initial scale was reached it never counts again.
    """
    minimum = ready_minimum(parameters, initialized=initialized)
    initialized = initialized or ready >= minimum
    if want == 0 or minimum == 0:
        # Nobody scales an activating revision to zero unless it failed to come up in time.
        failed = activation.status is Status.UNKNOWN and minimum > 0
        return change(activation, Status.FALSE, "TimedOut" if failed else "NoTraffic", now), initialized
    if want == UNKNOWN_SCALE and activation.status is Status.FALSE:
        # Still nothing known, as with an initial scale of 0: an inactive revision stays inactive. One that has no
        # pods yet has the reason renewed.
        if ready < minimum:
            return change(activation, Status.FALSE, "NoTraffic", now), initialized
        return activation, initialized
    if ready < minimum:
        return change(activation, Status.UNKNOWN, "Queued", now), initialized
    return change(activation, Status.TRUE, "", now), initialized


def choose_mode(want: int, excess_burst_capacity: int) -> Mode:
    """Pods serve directly if some are wanted and they could take the burst; the activator stands before them else."""
    return Mode.SERVE if want > 0 and excess_burst_capacity >= 0 else Mode.PROXY


def count_activators(parameters: Parameters, ready: int) -> int:
    """Activators in the path: enough for what the ready pods can take plus the burst, at least two."""
    if parameters.target_burst_capacity == 0:
        return ACTIVATORS_MINIMUM
    capacity = ready * parameters.total_value + max(0.0, parameters.target_burst_capacity)
    return max(ACTIVATORS_MINIMUM, to_count(ceiling(capacity / parameters.activator_capacity)))
