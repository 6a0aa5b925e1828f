"""Rows of arrivals from a laboratory's client and model files; times in Unix seconds.

The client's file has no service times and the model's file no request numbers, so the two are joined per pod in the
order of their ends, which holds as both sides are stamped by one machine's clock. Loads that plain hey offered left no
client file at all: there the callers are rebuilt from the model's side, each taking the next request the moment it is
free, which is what a closed loop does.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from conformance.recording.laboratory import load_commands
from conformance.recording.laboratory.load_commands import Phase
from conformance.recording.laboratory.raw_files import RawRecording
from conformance.recording.load_lines import RecordedPhase
from conformance.recording.rows import Row, RowError

WIRE_SECONDS: Final = 0.001
"""Assumed way from caller to model where only the model's side was recorded."""
CLIENT: Final = ("start", "latency_ms", "status")
"""Columns of the client's file that every row needs."""
LIKE_SHARE: Final = 0.5
"""A request that the model held for less than this share of the shortest long one is no long one."""
ORDER_SECONDS: Final = 0.5
"""Client and model are joined only when the model's arrival lies this close to the client's own interval."""
AROUND_SECONDS: Final = 1.0
"""A load's requests reach the model up to so long before and after its span."""
ERRORS: Final = {
    "refused": RowError.CONNECT, "timeout": RowError.TIMEOUT, "deadline": RowError.TIMEOUT, "eof": RowError.CUT,
}  # fmt: skip
"""Words in a client's error text; RESET without any of them."""
Rows = tuple[tuple[Row, ...], tuple[str, ...]]
"""Rows in order of sending, and pod names: `pod` of a row is the position from 1."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request as the model saw it."""

    arrival: float
    pod: str
    in_flight: int
    seconds: float

    @property
    def end(self) -> float:
        """When the model had answered."""
        return self.arrival + self.seconds


@dataclass(frozen=True, slots=True)
class RawLoad:
    """One load with its arrivals."""

    index: int
    phases: Sequence[Phase]
    start: float
    end: float
    rows: tuple[Row, ...]
    names: tuple[str, ...]


def served(source: RawRecording) -> list[Served]:
    """All requests that reached the model, by arrival."""
    found = [
        Served(float(row["t"]), row.get("pod") or "", int(float(row["inflight"])), float(row["ms"]) / 1000.0)
        for row in source.table("modelreq.csv", "t", "inflight", "ms")
        if row.get("kind") == "req"
    ]
    return sorted(found, key=lambda entry: entry.arrival)


def loads(source: RawRecording) -> tuple[RawLoad, ...]:
    """Every load of the recording that was begun, in order, with its rows."""
    model, spans = served(source), source.spans()
    planned = [(number, phases) for number, command in enumerate(source.commands)
               if (phases := load_commands.phases(command)) is not None]  # fmt: skip
    found: list[RawLoad] = []
    for (start, end), (number, phases) in zip(spans, planned, strict=False):
        following = spans[len(found) + 1][0] if len(found) + 1 < len(spans) else math.inf
        until = following if math.isnan(end) else end + AROUND_SECONDS
        inside = [entry for entry in model if start - AROUND_SECONDS <= entry.arrival <= until]
        name = "requests.csv" if number == 0 else f"requests{number}.csv"
        if source.has(name):
            rows, names = _joined(source.table(name, *CLIENT), inside)
        elif source.has("modelreq.csv"):
            rows, names = rebuilt(phases, inside, start)
        else:
            raise source.refused(name, "neither this nor modelreq.csv is there, so that what was offered is not known")
        last = max((row.end for row in rows), default=start) if math.isnan(end) else end
        found.append(RawLoad(len(found), phases, start, last, rows, names))
    extra = source.table("requests_long.csv", *CLIENT)
    return (*found, _long(len(found), extra, model)) if extra else tuple(found)


def _long(index: int, table: Sequence[dict[str, str]], model: Sequence[Served]) -> RawLoad:
    """Long requests beside the others: their like among those that the model saw."""
    shortest = min(float(entry["latency_ms"]) for entry in table) / 1000.0
    rows, names = _joined(table, (entry for entry in model if entry.seconds >= LIKE_SHARE * shortest))
    first, last = min(row.sent for row in rows), max(row.end for row in rows)
    return RawLoad(index, [{"shape": "recorded", "seconds": last - first}], first, last, rows, names)


def _joined(table: Sequence[dict[str, str]], model: Iterable[Served]) -> Rows:
    names: dict[str, int] = {}
    rows = sorted((_row(number, entry, names) for number, entry in enumerate(table)), key=lambda row: row.sent)
    by_end = sorted(sorted(model, key=lambda each: each.arrival), key=lambda each: each.end)
    join = _by_pod if names else _by_end
    done = {row.request: row for row in join([row for row in rows if row.status == 200], names, by_end)}
    return tuple(done.get(row.request, row) for row in rows), tuple(names)


def _row(number: int, entry: dict[str, str], names: dict[str, int]) -> Row:
    start, status, pod = float(entry["start"]), int(float(entry["status"])), entry.get("pod") or ""
    end = start + float(entry["latency_ms"]) / 1000.0
    error = (entry.get("err") or "").lower()
    return Row(
        start, start, end if status else math.nan, end, status,
        RowError.NONE if status else next((ERRORS[word] for word in ERRORS if word in error), RowError.RESET),
        pod=names.setdefault(pod, len(names) + 1) if pod else 0, request=number,
        in_flight=_count(entry.get("inflight")), high_water=_count(entry.get("maxinflight")),
    )  # fmt: skip


def _by_end(answered: Sequence[Row], names: dict[str, int], model: Sequence[Served]) -> Iterator[Row]:
    """Answered rows of a client that knows no pods: the n-th answer is the model's n-th."""
    for row, entry in zip(sorted(answered, key=lambda row: row.end), model, strict=False):
        position = names.setdefault(entry.pod, len(names) + 1)
        yield replace(
            row, pod=position, in_flight=entry.in_flight, model_seconds=min(entry.seconds, row.end - row.sent)
        )


def _by_pod(answered: Sequence[Row], names: dict[str, int], model: Sequence[Served]) -> Iterator[Row]:
    """Each answered row with the model's own time: the earliest unused end at its pod inside its interval."""
    for pod, position in names.items():
        there = iter([entry for entry in model if entry.pod == pod])
        entry = next(there, None)
        for row in sorted((row for row in answered if row.pod == position), key=lambda row: row.end):
            while entry is not None and entry.arrival < row.sent - ORDER_SECONDS:
                entry = next(there, None)
            if entry is not None and entry.arrival <= row.end + ORDER_SECONDS:
                yield replace(row, model_seconds=min(entry.seconds, row.end - row.sent))
                entry = next(there, None)


def _count(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def rebuilt(phases: Sequence[Phase], model: Sequence[Served], start: float) -> Rows:
    """Rows of a load of which only the model's side was recorded."""
    names: dict[str, int] = {}
    rows = []
    for number, (entry, sent, worker) in enumerate(_callers(phases, model, start)):
        end = entry.end + WIRE_SECONDS
        row = Row(
            sent, sent, end, end, 200, pod=names.setdefault(entry.pod, len(names) + 1), in_flight=entry.in_flight,
            high_water=entry.in_flight, worker=worker, request=number, model_seconds=entry.seconds,
        )  # fmt: skip
        rows.append(row)
    return tuple(rows), tuple(names)


def _callers(plan: Sequence[Phase], model: Sequence[Served], start: float) -> Iterator[tuple[Served, float, int]]:
    """(request, when it was sent, by whom) for callers in a closed loop, each sending anew the moment it is free."""
    phases = [RecordedPhase.parse(phase) for phase in plan]
    begins = [start + sum(phase.seconds for phase in phases[:n]) for n in range(len(phases))]
    free: list[tuple[float, int]] = []
    busy: list[tuple[float, int]] = []
    current = -1
    for entry in model:
        while current + 1 < len(phases) and (current < 0 or begins[current + 1] <= entry.arrival):
            current += 1
            workers = phases[current].workers
            there = {number for _, number in (*free, *busy)}
            free += [(begins[current], number) for number in range(workers) if number not in there]
            free = [(since, number) for since, number in free if number < workers]
            heapq.heapify(free)
        while busy and (busy[0][0] <= entry.arrival or not free):
            since, number = heapq.heappop(busy)
            if number < workers:
                heapq.heappush(free, (since, number))
        arrived = entry.arrival - WIRE_SECONDS
        since, worker = heapq.heappop(free) if free else (arrived, 0)
        # A paced caller waits for its ticker: only the request's own time is in flight.
        rate = phases[current].rate_per_worker
        paced = not workers or (rate and entry.seconds * rate < 0.9)
        yield entry, arrived if paced else min(since, arrived), worker
        heapq.heappush(busy, (entry.end + WIRE_SECONDS, worker))
