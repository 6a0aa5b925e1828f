"""The statistics of one revision: what activators and scraped pods said, summed per second, over two windows."""

from __future__ import annotations

from typing import NamedTuple

from conformance.model.keys import RPS
from conformance.model.parameters import Parameters
from conformance.model.window import Window


class Stat(NamedTuple):
    """One report: requests in flight on average and requests per second, and how many of both came by an activator.

    The activator counts a request while it passes through; the pod's proxied part cancels the same request there.
    """

    concurrency: float = 0.0
    proxied_concurrency: float = 0.0
    rps: float = 0.0
    proxied_rps: float = 0.0


class Observation(NamedTuple):
    """The two means of the scaling metric, in requests in flight or requests per second."""

    stable: float
    panic: float


class Collector:
    """Stable and panic windows of both metrics."""

    __slots__ = ("_panic", "_rps", "_rps_panic", "_stable")

    def __init__(self, parameters: Parameters) -> None:
        stable, panic = parameters.stable_window_seconds, parameters.panic_window_seconds
        # The kind of average is fixed for good: the annotation cannot change within a revision.
        self._stable = Window(stable, weighted=parameters.weighted)
        self._panic = Window(panic, weighted=parameters.weighted)
        self._rps = Window(stable, weighted=parameters.weighted)
        self._rps_panic = Window(panic, weighted=parameters.weighted)

    def record(self, at: float, stat: Stat) -> None:
        """Add a report stamped `at` Unix seconds; the net of one second may be negative."""
        concurrency = stat.concurrency - stat.proxied_concurrency
        self._stable.record(at, concurrency)
        self._panic.record(at, concurrency)
        rps = stat.rps - stat.proxied_rps
        self._rps.record(at, rps)
        self._rps_panic.record(at, rps)

    def observe(self, parameters: Parameters, now: float) -> Observation | None:
        """The means of the revision's metric at `now`, None for "no data".

        Only a revision that is scraped can lack data: without scraping silence means that there is no load.
        """
        by_rps = parameters.metric == RPS
        stable, panic = (self._rps, self._rps_panic) if by_rps else (self._stable, self._panic)
        if parameters.scrape and stable.is_empty(now):
            return None
        return Observation(stable.average(now), panic.average(now))

    def resize(self, parameters: Parameters, now: float) -> None:
        """Take over changed window lengths."""
        for window in (self._stable, self._rps):
            window.resize(parameters.stable_window_seconds, now)
        for window in (self._panic, self._rps_panic):
            window.resize(parameters.panic_window_seconds, now)
