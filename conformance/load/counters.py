"""The line a second that goes with the rows: what was offered so far, and in what shape the generator was.

Counts are totals since the load's start, so that a file cut short still says what it came to; everything else describes
the second that ended at `t`. `conformance.load.generator` lists the keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from conformance.load.generator import LoadProgress, LoadResult
from conformance.load.load_plan import LoadPlan
from conformance.load.process_health import LagHistogram
from conformance.load.row_writer import RowWriter
from conformance.recording.rows import RowError

_DIGITS = 6


class Counters:
    """Counts of one load. The engine adds to the public fields; answers are what is left of the rows."""

    def __init__(self, writer: RowWriter, plan: LoadPlan, read_health: Callable[[], Mapping[str, float]]) -> None:
        self.sent = 0
        self.dropped = 0
        self.in_flight = 0
        self.peak_in_flight = 0
        self.errors = 0
        """Rows with an error, dropped ones aside."""
        self.loop_lag_seconds = 0.0
        self.lags = LagHistogram()
        self.causes: Counter[str] = Counter()
        """Errors by class and the system's words for them."""
        self._writer = writer
        self._plan = plan
        self._health = read_health
        self._start = self._origin = 0.0

    @property
    def answered(self) -> int:
        """Rows with a complete answer, whatever its status."""
        return self._writer.count - self.errors - self.dropped

    def fail(self, error: RowError, cause: str) -> None:
        """Count one row that is no answer."""
        if error is RowError.DROPPED:
            self.dropped += 1
        else:
            self.errors += 1
        self.causes[f"{error.name.lower()}: {cause}" if cause else error.name.lower()] += 1

    def begin(self, start: float, origin: float, engine: Mapping[str, Any]) -> None:
        """Write the first line; `start` counts from the recording's origin, which is a monotonic clock reading."""
        self._start, self._origin = start, origin
        self._health()
        self._writer.line({"plan": {**self._plan.body(), "start": round(start, _DIGITS)}, "engine": dict(engine)})

    def second(self, now: float, missed_ticks: int) -> LoadProgress:
        """Write the line of the second that has just ended."""
        self._writer.flush()
        self._writer.line({"t": round(now, _DIGITS), **self._totals(missed_ticks), **self._state()})
        return LoadProgress(now - self._start, self.sent, self.answered, self.errors, self.in_flight)

    def end(self, now: float, missed_ticks: int, *, stopped: bool) -> LoadResult:
        """Write the last line."""
        self._writer.flush()
        totals = self._totals(missed_ticks)
        self._writer.line(
            {
                "summary": {
                    "start": round(self._start, _DIGITS),
                    "end": round(now, _DIGITS),
                    "stopped": stopped,
                    **totals,
                    "peak_in_flight": self.peak_in_flight,
                    "causes": dict(sorted(self.causes.items())),
                }
            }
        )
        return LoadResult(
            self._start + self._origin, now + self._origin, self.sent, self.answered, self.errors, self.dropped
        )

    def _totals(self, missed_ticks: int) -> dict[str, int]:
        return {
            "scheduled": self.sent + self.dropped,
            "sent": self.sent,
            "answered": self.answered,
            "errors": self.errors,
            "cap_hits": self.dropped,
            "missed_ticks": missed_ticks,
        }

    def _state(self) -> dict[str, float]:
        lag, self.loop_lag_seconds = self.loop_lag_seconds, 0.0
        return {
            "in_flight": self.in_flight,
            **self.lags.take(),
            "loop_lag_seconds": round(lag, _DIGITS),
            **self._health(),
        }
