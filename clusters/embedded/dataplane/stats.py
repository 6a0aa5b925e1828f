"""Counting requests the way Knative does: concurrency weighted by time, arrivals by their second.

Seconds are closed when somebody looks, not by a timer: every event and every question first closes the seconds that
have ended, at exactly their edge. An idle pod therefore costs nothing, and the answer is the same as with a timer that
is never late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from clusters.embedded.dataplane.revision import PodStat

REPORT_SECONDS: Final = 1.0
"""queue-proxy and activator report once a second (Knative pkg/queue/sharedmain/main.go, pkg/activator/handler)."""


@dataclass(frozen=True, slots=True)
class RequestReport:
    """What happened between two reports: means over the time between them, and arrivals."""

    average_concurrency: float
    average_proxied_concurrency: float
    request_count: int
    proxied_count: int


class RequestStats:
    """Adds concurrency x elapsed seconds between events. Times are of any one clock; a step back adds nothing."""

    __slots__ = (
        "_arrivals",
        "_changed",
        "_proxied_arrivals",
        "_proxied_sum",
        "_seconds",
        "_sum",
        "in_flight",
        "proxied",
    )

    def __init__(self, now: float) -> None:
        self._changed = now
        self.in_flight = 0
        self.proxied = 0
        self._reset()

    def _reset(self) -> None:
        self._sum = self._proxied_sum = self._seconds = 0.0
        self._arrivals = self._proxied_arrivals = 0

    def _advance(self, now: float) -> None:
        elapsed = now - self._changed
        if elapsed > 0:
            self._sum += self.in_flight * elapsed
            self._proxied_sum += self.proxied * elapsed
            self._seconds += elapsed
            self._changed = now

    def arrive(self, now: float, proxied: bool = False) -> None:
        """A request came in."""
        self._advance(now)
        self.in_flight += 1
        self._arrivals += 1
        if proxied:
            self.proxied += 1
            self._proxied_arrivals += 1

    def leave(self, now: float, proxied: bool = False) -> None:
        """A request that arrived is done."""
        self._advance(now)
        self.in_flight -= 1
        if proxied:
            self.proxied -= 1

    def report(self, now: float) -> RequestReport:
        """Close the period: means over its seconds; the running concurrency stays."""
        self._advance(now)
        seconds = self._seconds or 1.0
        report = RequestReport(self._sum / seconds, self._proxied_sum / seconds, self._arrivals, self._proxied_arrivals)
        self._reset()
        return report


class PodMeter:
    """A pod's request statistics: a second at a time from its start, of which the last finished one can be read."""

    __slots__ = ("_edge", "_last", "_started", "_stats", "pod")

    def __init__(self, pod: str, now: float) -> None:
        self.pod = pod
        self._started = now
        self._edge = now + REPORT_SECONDS
        self._stats = RequestStats(now)
        self._last = PodStat(pod, 0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def in_flight(self) -> int:
        return self._stats.in_flight

    def arrive(self, now: float, proxied: bool) -> None:
        if now > self._edge:
            self._close(now)
        self._stats.arrive(now, proxied)

    def leave(self, now: float, proxied: bool) -> None:
        if now > self._edge:
            self._close(now)
        self._stats.leave(now, proxied)

    def read(self, now: float) -> PodStat:
        """The last finished second; all zero before the first has ended."""
        if now >= self._edge:
            self._close(now)
        return self._last

    def _close(self, now: float) -> None:
        """Close the seconds before `now`. Those without an event are one period: only the last could still be read."""
        report = self._stats.report(self._edge)
        idle_seconds = math.floor((now - self._edge) / REPORT_SECONDS)
        if idle_seconds:
            self._edge += REPORT_SECONDS * idle_seconds
            report = self._stats.report(self._edge)
        self._last = PodStat(
            self.pod,
            report.average_concurrency,
            report.average_proxied_concurrency,
            report.request_count / REPORT_SECONDS,
            report.proxied_count / REPORT_SECONDS,
            self._edge - self._started,
        )
        self._edge += REPORT_SECONDS
