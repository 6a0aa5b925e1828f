"""What a load came to, from its rows alone: rates, latencies, answers, errors, pods and phases.

Rows are read in chunks, so ten million of them need some three hundred megabytes: exact latencies are kept as four-byte
floats, all else as counts. Percentiles are by nearest rank. A request that timed out is in the latencies with the time
that was waited for it: the true value is at least that. Nothing is invented for arrivals that were never sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.load.load_stats import LoadStats, nearest_rank
from conformance.recording.rows import COLUMNS, ROW_BYTES, RowError

PERCENTS: Final = (10, 25, 50, 75, 90, 95, 99)
CHUNK_ROWS: Final = 500_000
ROWS: Final = np.dtype(list(COLUMNS))
Rows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds; all 0 when there is no sample."""

    samples: int
    censored: int
    """Samples that are lower bounds: the request timed out."""
    average: float
    fastest: float
    slowest: float
    percentiles: Mapping[int, float]
    censored_from: int | None
    """The lowest of the percentiles that is such a lower bound."""


@dataclass(frozen=True, slots=True)
class Detail:
    """Average, fastest and slowest of one part of a request, in seconds."""

    average: float
    fastest: float
    slowest: float


@dataclass(frozen=True, slots=True)
class PodLine:
    """What one pod answered. Percentiles to 1 %."""

    name: str
    answers: int
    errors: int
    """Answers with a status of 500 or more."""
    average: float
    p50: float
    p99: float
    most_in_flight: int
    high_water: int


@dataclass(frozen=True, slots=True)
class PhaseLine:
    """What one phase of the plan came to. Percentiles to 1 %."""

    phase: int
    shape: str
    arrivals: int
    answers: int
    errors: int
    dropped: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """A load in figures. Rates in requests per second."""

    total_seconds: float
    """From the start to the last answer."""
    plan_seconds: float
    """Until it was stopped, where it was."""
    arrivals: int
    sent: int
    answered: int
    errors: int
    dropped: int
    offered_rate: float
    """Arrivals over the plan's length (over the total where the plan counts requests)."""
    sent_rate: float
    answered_rate: float
    """Answers over the total."""
    requests_rate: float
    """hey's Requests/sec: answers and errors over the total."""
    body_bytes: int
    service: Latency
    """From writing the request to the answer's end."""
    from_due: Latency
    """From the moment the request was due: what a user saw."""
    connect: Detail
    wait: Detail
    """Writing to first byte."""
    read: Detail
    """First byte to end."""
    histogram: tuple[tuple[float, int], ...]
    """hey's: eleven upper bounds, linear from the fastest to the slowest service latency, and counts."""
    statuses: Mapping[int, int]
    error_classes: Mapping[str, int]
    causes: Mapping[str, int]
    pods: tuple[PodLine, ...]
    phases: tuple[PhaseLine, ...]

    def body(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def read_chunks(path: Path) -> Iterator[Rows]:
    """All whole rows of a file, as structured arrays of bounded size."""
    with path.open("rb") as file:
        while data := file.read(CHUNK_ROWS * ROW_BYTES):
            yield np.frombuffer(data[: len(data) // ROW_BYTES * ROW_BYTES], dtype=ROWS)


def summarise(
    chunks: Iterator[Rows],
    names: Sequence[str],
    plan: Mapping[str, Any],
    totals: Mapping[str, Any] | None = None,
) -> LoadSummary:
    """Figures of one load. `plan` is the first line's, with its `start`; `totals` the last line's; `names` are the pods
    of its names file."""
    totals = totals or {}
    load_stats = LoadStats()
    for chunk in chunks:
        load_stats.add(chunk)
    start = float(plan.get("start", 0.0))
    phases = [dict(phase) for phase in plan.get("phases", ())]
    planned = float(sum(phase.get("seconds", 0.0) for phase in phases))
    if totals.get("stopped"):
        planned = min(planned, max(0.0, float(totals["end"]) - start))
    total = max(0.0, load_stats.last_end - start) if load_stats.arrivals else 0.0
    answered = load_stats.errors[RowError.NONE]
    dropped = load_stats.errors[RowError.DROPPED]
    attempted = load_stats.arrivals - dropped
    length = planned or total
    return LoadSummary(
        total_seconds=total,
        plan_seconds=planned,
        arrivals=load_stats.arrivals,
        sent=load_stats.sent,
        answered=answered,
        errors=attempted - answered,
        dropped=dropped,
        offered_rate=_rate(load_stats.arrivals, length),
        sent_rate=_rate(load_stats.sent, length),
        answered_rate=_rate(answered, total),
        requests_rate=_rate(attempted, total),
        body_bytes=load_stats.body_bytes,
        service=_latency(load_stats.service, load_stats.censored),
        from_due=_latency(load_stats.from_due, load_stats.censored),
        connect=Detail(*load_stats.connect.figures()),
        wait=Detail(*load_stats.wait.figures()),
        read=Detail(*load_stats.read.figures()),
        histogram=_histogram(load_stats.service),
        statuses=dict(sorted(load_stats.statuses.items())),
        error_classes={
            RowError(code).name.lower(): count for code, count in sorted(load_stats.errors.items()) if code and count
        },
        causes=dict(totals.get("causes", {})),
        pods=_pods(load_stats, names),
        phases=_phases(load_stats, phases),
    )


def _rate(count: int, seconds: float) -> float:
    return count / seconds if seconds > 0 else 0.0


def _latency(parts: list[NDArray[np.float32]], censored_parts: list[NDArray[np.float32]]) -> Latency:
    """Percentiles of answers and time-outs together. A time-out that some answers outlasted would hide among them, so
    the first percentile at or beyond the shortest of them is marked."""
    if not parts:
        return Latency(0, 0, 0.0, 0.0, 0.0, dict.fromkeys(PERCENTS, 0.0), None)
    values = np.concatenate(parts)
    values.sort()
    found = {percent: float(values[nearest_rank(len(values), percent / 100)]) for percent in PERCENTS}
    censored = sum(len(part) for part in censored_parts)
    shortest = min((float(part.min()) for part in censored_parts if len(part)), default=None)
    marked = [percent for percent, value in found.items() if shortest is not None and value >= shortest]
    return Latency(
        samples=len(values),
        censored=censored,
        average=float(values.mean(dtype=np.float64)),
        fastest=float(values[0]),
        slowest=float(values[-1]),
        percentiles=found,
        censored_from=marked[0] if marked else None,
    )


def _histogram(parts: list[NDArray[np.float32]]) -> tuple[tuple[float, int], ...]:
    """Eleven lines as hey prints them: the first holds only what equals the fastest."""
    if not parts:
        return ()
    fastest = min(float(part.min()) for part in parts)
    slowest = max(float(part.max()) for part in parts)
    bounds = np.linspace(fastest, slowest, 11)
    counts = np.zeros(11, dtype=np.int64)
    for part in parts:
        places = np.searchsorted(bounds, part.astype(np.float64), side="left").clip(max=10)
        counts += np.bincount(places, minlength=11)
    return tuple((float(bound), int(count)) for bound, count in zip(bounds, counts, strict=True))


def _pods(load_stats: LoadStats, names: Sequence[str]) -> tuple[PodLine, ...]:
    lines = []
    for number, group in sorted(load_stats.pods.items()):
        name = names[number - 1] if 0 < number <= len(names) else "-"
        p50, p99 = group.percentile(0.5), group.percentile(0.99)
        lines.append(
            PodLine(name, group.count, group.failed, group.average, p50, p99, group.most_in_flight, group.high_water)
        )
    return tuple(sorted(lines, key=lambda line: line.name))


def _phases(load_stats: LoadStats, phases: Sequence[Mapping[str, Any]]) -> tuple[PhaseLine, ...]:
    lines = []
    for number, group in sorted(load_stats.phases.items()):
        shape = str(phases[number]["shape"]) if number < len(phases) else "-"
        lines.append(
            PhaseLine(
                number + 1,
                shape,
                group.arrivals,
                group.count,
                group.arrivals - group.count - group.dropped,
                group.dropped,
                group.percentile(0.5),
                group.percentile(0.99),
            )
        )
    return tuple(lines)
