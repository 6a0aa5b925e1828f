"""The decision: how many pods a revision needs, made every two seconds from two means and the ready pods.

Two answers compete. The stable one follows the long window; the panic one follows the short window and takes over, and
only ever grows, while the load is a multiple of what the ready pods can take. Both are held between what one decision
may remove and what it may add.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from conformance.model.collector import Observation
from conformance.model.delay import DelayWindow
from conformance.model.parameters import Parameters
from conformance.model.rounding import ceiling, divide, floor, larger, smaller, to_count

UNKNOWN_SCALE: Final = -1
"""The desired count before the first decision."""


class Decision(NamedTuple):
    """The outcome of one tick. An invalid decision changes nothing and its numbers mean nothing."""

    desired: int
    excess_burst_capacity: int
    valid: bool
    panicking: bool
    max_panic_pods: int


class Decider:
    """The state behind one revision's decisions: the panic and the scale-down delay."""

    __slots__ = ("_delay", "_max_panic_pods", "_panic_since", "parameters")

    def __init__(self, parameters: Parameters, *, now: float, ready: int | None) -> None:
        """Start at `now` Unix seconds with that many ready pods, None when they cannot be counted.

        With more than one ready pod this must be a restart that lost all statistics: the count is held by starting in
        panic. Whether decisions are delayed, and for how long, is settled here; later changes do not apply.
        """
        self.parameters = parameters
        self._max_panic_pods = ready or 0
        self._panic_since: float | None = now if self._max_panic_pods > 1 else None
        self._delay = DelayWindow(parameters.scale_down_delay_seconds)

    @property
    def panicking(self) -> bool:
        """Whether the panic answer holds."""
        return self._panic_since is not None

    def decide(self, now: float, ready: int | None, observed: Observation | None) -> Decision:
        """Decide at `now` Unix seconds from the ready pods and the means; None for what is not known."""
        if ready is None or observed is None:
            return Decision(0, 0, False, self.panicking, self._max_panic_pods)
        parameters = self.parameters
        pods = max(1, ready)
        most = ceiling(parameters.max_scale_up_rate * pods)
        least = floor(pods / parameters.max_scale_down_rate) if parameters.reachable else 0.0
        stable_pods = ceiling(divide(observed.stable, parameters.target_value))
        panic_pods = ceiling(divide(observed.panic, parameters.target_value))
        wanted = self._hold(stable_pods, least, most)
        # The threshold looks at the wanted pods before they are held, already rounded up: one pod panics at 100 %.
        self._update_panic(now, over=panic_pods / pods >= parameters.panic_threshold)
        if self._panic_since is not None:
            wanted = max(wanted, self._hold(panic_pods, least, most), self._max_panic_pods)
            self._max_panic_pods = wanted
        if parameters.reachable:
            wanted = self._delay.record(now, wanted)
        excess = excess_burst_capacity(parameters, ready, observed.panic)
        return Decision(wanted, excess, True, self.panicking, self._max_panic_pods)

    def _hold(self, pods: float, least: float, most: float) -> int:
        """Between `least` and `most`; a revision that wakes up gets its activation scale, even beyond `most`."""
        held = to_count(smaller(larger(pods, least), most))
        return max(held, self.parameters.activation_scale) if pods > 0 else held

    def _update_panic(self, now: float, *, over: bool) -> None:
        """Start or extend the panic, or end it when the last excess lies more than a stable window back."""
        if over:
            self._panic_since = now
        elif self._panic_since is not None and self._panic_since + self.parameters.stable_window_seconds < now:
            self._panic_since = None
            self._max_panic_pods = 0


def excess_burst_capacity(parameters: Parameters, ready: int, panic: float) -> int:
    """What the ready pods can take beyond the load and the wanted burst; negative keeps the activator in the path."""
    if parameters.target_burst_capacity > 0:
        return to_count(floor(ready * parameters.total_value - parameters.target_burst_capacity - panic))
    return 0 if parameters.target_burst_capacity == 0 else -1


def first_excess_burst_capacity(parameters: Parameters) -> int:
    """What is published before the first decision: the initial pods without load."""
    if parameters.target_burst_capacity in {0, -1}:
        return int(parameters.target_burst_capacity)
    return to_count(parameters.initial_scale * parameters.total_value - parameters.target_burst_capacity)
