"""Rows of arrivals from a laboratory's client and model files.

The client's file has no service times and the model's file no request numbers, so the two are joined per pod in the
order of arrival, which holds as both sides are stamped by one machine's clock. Loads that plain hey offered left no
client file at all: there the callers are rebuilt from the model's side, each taking the next request the moment it is
free, which is what a closed loop does.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.base.errors import UsageError
from conformance.recording.laboratory import lab_commands
from conformance.recording.laboratory.lab_files import Source
from conformance.recording.rows import Row, RowError

WIRE_SECONDS: Final = 0.001
"""Assumed way from caller to model where only the model's side was recorded."""
CLIENT: Final = ("start", "latency_ms", "status")
"""Columns of the client's file that every row needs."""
LIKE_SHARE: Final = 0.5
"""A request that the model held for less than this share of the shortest long one is no long one."""
ORDER_SECONDS: Final = 0.5
"""Client and model are joined only when the model's arrival lies this close to the client's own interval."""


@dataclass(frozen=True, slots=True)
class Served:
    """One request as the model saw it; times in Unix seconds."""

    arrival: float
    pod: str
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """One load with its arrivals; row times in Unix seconds, pods as positions (from 1) in `names`."""

    index: int
    command: str
    plan: dict[str, Any]
    start: float
    end: float
    rows: tuple[Row, ...]
    names: tuple[str, ...]


def served(source: Source) -> list[Served]:
    """All requests that reached the model, by arrival."""
    found = [
        Served(float(row["t"]), row.get("pod") or "", int(float(row["inflight"])), float(row["ms"]) / 1000.0)
        for row in source.table("modelreq.csv", "t", "inflight", "ms")
        if row.get("kind") == "req"
    ]
    return sorted(found, key=lambda entry: entry.arrival)


def loads(source: Source) -> tuple[Load, ...]:
    """Every load of the recording that was begun, in order, with its rows."""
    spans = source.spans()
    model = served(source)
    found: list[Load] = []
    for number, command in enumerate(source.commands):
        plan = lab_commands.plan(command)
        if plan is None or len(found) == len(spans):
            continue
        start, end = spans[len(found)]
        name = "requests.csv" if number == 0 else f"requests{number}.csv"
        if not source.has(name) and not source.has("modelreq.csv"):
            raise UsageError(
                f"{source.folder / name}: neither this nor modelreq.csv is there, so that what was offered is not known"
            )
        table = source.table(name, *CLIENT)
        until = spans[len(found) + 1][0] if len(found) + 1 < len(spans) else math.inf
        inside = [entry for entry in model if start - 1.0 <= entry.arrival <= (until if math.isnan(end) else end + 1.0)]
        rows, names = _joined(table, inside) if source.has(name) else rebuilt(plan, inside, start)
        if math.isnan(end):
            end = max((row.end for row in rows), default=start)
        found.append(Load(len(found), command, plan, start, end, rows, names))
    extra = source.table("requests_long.csv", *CLIENT)
    if extra:
        found.append(_long(len(found), extra, model))
    return tuple(found)


def _long(index: int, table: Sequence[dict[str, str]], model: Sequence[Served]) -> Load:
    """Long requests beside the others: their like among those that the model saw."""
    shortest = min(float(entry["latency_ms"]) for entry in table) / 1000.0
    rows, names = _joined(table, (entry for entry in model if entry.seconds >= LIKE_SHARE * shortest))
    first, last = min(row.sent for row in rows), max(row.end for row in rows)
    plan = {"phases": [{"shape": "recorded", "seconds": last - first}]}
    return Load(index, "long requests", plan, first, last, rows, names)


def _joined(table: Sequence[dict[str, str]], model: Iterable[Served]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    names: dict[str, int] = {}
    rows = []
    for number, entry in enumerate(table):
        start = float(entry["start"])
        status = int(float(entry["status"]))
        pod = entry.get("pod") or ""
        end = start + float(entry["latency_ms"]) / 1000.0
        rows.append(
            Row(
                scheduled=start,
                sent=start,
                first_byte=end if status else float("nan"),
                end=end,
                status=status,
                error=RowError.NONE if status else _error(entry.get("err") or ""),
                pod=names.setdefault(pod, len(names) + 1) if pod else 0,
                in_flight=_count(entry.get("inflight")),
                high_water=_count(entry.get("maxinflight")),
                request=number,
            )
        )
    rows.sort(key=lambda row: row.sent)
    return tuple(_with_service_times(rows, names, sorted(model, key=lambda each: each.arrival))), tuple(names)


def _error(text: str) -> RowError:
    lower = text.lower()
    for word, error in (
        ("refused", RowError.CONNECT),
        ("timeout", RowError.TIMEOUT),
        ("deadline", RowError.TIMEOUT),
        ("eof", RowError.CUT),
    ):
        if word in lower:
            return error
    return RowError.RESET


def _with_service_times(rows: Sequence[Row], names: dict[str, int], model: Sequence[Served]) -> list[Row]:
    """Give each answered row the model's own time: the earliest unused arrival at its pod inside its interval."""
    known = {position: name for name, position in names.items()}
    waiting: dict[str, list[Served]] = {}
    for entry in model:
        waiting.setdefault(entry.pod, []).append(entry)
    anywhere = not names
    queue = sorted(model, key=lambda each: each.arrival + each.seconds)
    done: dict[int, Row] = {}
    if anywhere:
        answered = sorted((row for row in rows if row.status == 200), key=lambda row: row.end)
        for row, entry in zip(answered, queue, strict=False):
            position = names.setdefault(entry.pod, len(names) + 1)
            seconds = min(entry.seconds, row.end - row.sent)
            done[row.request] = replace(row, pod=position, in_flight=entry.in_flight, model_seconds=seconds)
        return [done.get(row.request, row) for row in rows]
    by_pod: dict[str, list[Row]] = {}
    for row in rows:
        if row.pod and row.status == 200:
            by_pod.setdefault(known[row.pod], []).append(row)
    for pod, mine in by_pod.items():
        there = sorted(waiting.get(pod, ()), key=lambda each: each.arrival + each.seconds)
        first = 0
        for row in sorted(mine, key=lambda each: each.end):
            while first < len(there) and there[first].arrival < row.sent - ORDER_SECONDS:
                first += 1
            if first < len(there) and there[first].arrival <= row.end + ORDER_SECONDS:
                seconds = min(there[first].seconds, row.end - row.sent)
                done[row.request] = replace(row, model_seconds=seconds)
                first += 1
    return [done.get(row.request, row) for row in rows]


def _count(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def rebuilt(plan: dict[str, Any], model: Sequence[Served], start: float) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """(rows, pods) of a load of which only the model's side was recorded."""
    names: dict[str, int] = {}
    rows = []
    for number, (entry, sent, worker) in enumerate(_callers(plan, model, start)):
        end = entry.arrival + entry.seconds + WIRE_SECONDS
        rows.append(
            Row(
                scheduled=sent,
                sent=sent,
                first_byte=end,
                end=end,
                status=200,
                pod=names.setdefault(entry.pod, len(names) + 1),
                in_flight=entry.in_flight,
                high_water=entry.in_flight,
                worker=worker,
                request=number,
                model_seconds=entry.seconds,
            )
        )
    return tuple(rows), tuple(names)


def _callers(plan: dict[str, Any], model: Sequence[Served], start: float) -> Iterator[tuple[Served, float, int]]:
    """(request, when it was sent, by whom) for callers in a closed loop, each sending anew the moment it is free."""
    free: list[tuple[float, int]] = []
    busy: list[tuple[float, int]] = []
    phases = [dict(phase) for phase in plan["phases"]]
    begins = [start + sum(float(each.get("seconds", 0.0)) for each in phases[:n]) for n in range(len(phases))]
    current = -1
    for entry in model:
        while current + 1 < len(phases) and (current < 0 or begins[current + 1] <= entry.arrival):
            current += 1
            workers = int(phases[current].get("workers") or 0)
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
        rate = float(phases[current].get("rate_per_worker") or 0.0)
        # A paced caller waits for its ticker: only the request's own time is in flight.
        paced = not workers or (rate and entry.seconds * rate < 0.9)
        yield entry, arrived if paced else min(since, arrived), worker
        heapq.heappush(busy, (entry.arrival + entry.seconds + WIRE_SECONDS, worker))


def service_seconds(environment: str) -> tuple[int, float]:
    """(service time in ms, start delay in s) from a laboratory's environment text."""
    service = re.search(r"SERVICE_TIME_MS=([0-9.]+)", environment)
    start = re.search(r"START_DELAY_S=([0-9.]+)", environment)
    return int(float(service[1])) if service else 100, float(start[1]) if start else 0.0
