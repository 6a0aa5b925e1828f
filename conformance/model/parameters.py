"""Everything the autoscaler needs to know about one revision, resolved from config map, annotations and container."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.model.keys import CONCURRENCY, LINEAR, WEIGHTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The parameters of one revision.

    Windows are whole seconds in anything the webhook accepts. `max_scale` 0 means no limit, `activation_scale` 0 or 1
    means none, `target_burst_capacity` -1 keeps the activator in the path for good.
    """

    metric: str = CONCURRENCY
    target_value: float = 70.0
    """Load per pod to aim for, in requests in flight or requests per second."""
    total_value: float = 100.0
    """Load one pod can take, the base of the burst capacity."""
    target_burst_capacity: float = 211.0
    activator_capacity: float = 100.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    panic_threshold: float = 2.0
    """Wanted pods per ready pod from which the revision panics; a ratio."""
    stable_window_seconds: float = 60.0
    panic_window_seconds: float = 6.0
    scale_down_delay_seconds: float = 0.0
    aggregation: str = LINEAR
    initial_scale: int = 1
    activation_scale: int = 0
    min_scale: int = 0
    """0 for an unreachable revision, whatever was asked for."""
    max_scale: int = 0
    reachable: bool = True
    scale_to_zero: bool = True
    grace_seconds: float = 30.0
    """How long the activator has to be in the path before the last pod goes, at most."""
    pod_retention_seconds: float = 0.0
    """How long the last pod stays after the revision went inactive, at least."""
    activation_timeout_seconds: float = 630.0
    """How long a revision may stay activating before it is scaled to zero."""

    @property
    def scrape(self) -> bool:
        """Whether pods are scraped: not with the activator always in the path, its reports tell all."""
        return self.target_burst_capacity != -1

    @property
    def weighted(self) -> bool:
        """Whether newer seconds weigh more in the windows."""
        return self.aggregation == WEIGHTED
