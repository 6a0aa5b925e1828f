"""What an activator counts and tells the autoscaler (Knative pkg/activator/handler/concurrency_reporter.go).

The first request of a revision it has no entry for is reported at once, which makes scaling from zero instant; the
report of that second leaves it out again. A second without any concurrency is still reported, then the entry goes, so
after traffic stops there is exactly one zero and then silence.
"""

from __future__ import annotations

from clusters.embedded.dataplane.revision import ActivatorStat, RevisionKey
from clusters.embedded.dataplane.stats import REPORT_SECONDS, RequestStats


class _Entry:
    __slots__ = ("fresh", "stats")

    def __init__(self, now: float) -> None:
        self.stats = RequestStats(now)
        self.fresh = True


class ActivatorMeter:
    """Request statistics by revision. Requests count from arrival to answer, buffered ones too."""

    def __init__(self, activator: str) -> None:
        self._activator = activator
        self._entries: dict[RevisionKey, _Entry] = {}

    def arrive(self, revision: RevisionKey, now: float) -> ActivatorStat | None:
        """Count an arrival; the message to send at once if it is the first."""
        entry = self._entries.get(revision)
        first = entry is None
        if entry is None:
            entry = self._entries[revision] = _Entry(now)
        entry.stats.arrive(now)
        return ActivatorStat(self._activator, revision, 1.0, 1.0, immediate=True) if first else None

    def leave(self, revision: RevisionKey, now: float) -> None:
        """Count an answer."""
        entry = self._entries.get(revision)
        if entry is not None:
            entry.stats.leave(now)

    def in_flight(self, revision: RevisionKey) -> int:
        """Requests of a revision that are here now."""
        entry = self._entries.get(revision)
        return entry.stats.in_flight if entry else 0

    def report(self, now: float) -> list[ActivatorStat]:
        """The messages of the second that ends now, by revision."""
        messages = []
        for revision in sorted(self._entries):
            entry = self._entries[revision]
            report = entry.stats.report(now)
            concurrency, count = report.average_concurrency, report.request_count / REPORT_SECONDS
            if concurrency == 0 and not entry.stats.in_flight:
                del self._entries[revision]
            if entry.fresh:
                concurrency, count = max(concurrency - 1.0, 0.0), count - 1.0
                entry.fresh = False
            messages.append(ActivatorStat(self._activator, revision, concurrency, count, immediate=False))
        return messages
