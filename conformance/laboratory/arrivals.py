"""Rows of arrivals from a laboratory's client and model files.

The client's file has no service times and the model's file no request numbers, so the two are joined per pod in the
order of arrival, which holds as both sides are stamped by one machine's clock. Loads that plain hey offered left no
client file at all: there the callers are rebuilt from the model's side, each taking the next request the moment it is
free, which is what a closed loop does.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from conformance.laboratory import commands
from conformance.laboratory.sources import Source
from conformance.recording.rows import Row, RowError

WIRE_SECONDS: Final = 0.001
"""Assumed way from caller to model where only the model's side was recorded."""
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
        Served(float(row["t"]), row["pod"], int(row["inflight"]), float(row["ms"]) / 1000.0)
        for row in source.table("modelreq.csv")
        if row.get("kind") == "req" and row.get("ms")
    ]
    return sorted(found, key=lambda entry: entry.arrival)


def loads(source: Source) -> tuple[Load, ...]:
    """Every load of the recording, in order, with its rows."""
    starts, ends = source.moments("load-start"), source.moments("load-end")
    finish = source.moment("end")
    model = served(source)
    found: list[Load] = []
    position = 0
    for number, command in enumerate(source.config.get("load", ())):
        plan = commands.plan(command)
        if plan is None:
            continue
        start = starts[position] if position < len(starts) else finish
        end = ends[position] if position < len(ends) else finish
        position += 1
        if start != start:
            continue
        table = source.table("requests.csv" if number == 0 else f"requests{number}.csv")
        inside = [entry for entry in model if start - 1.0 <= entry.arrival <= end + 1.0]
        rows, names = _joined(table, inside) if table else _rebuilt(plan, inside, start)
        found.append(Load(len(found), command, plan, start, end, rows, names))
    extra = source.table("requests_long.csv")
    if extra:
        rows, names = _joined(extra, model)
        first = min(row.sent for row in rows)
        last = max(row.end for row in rows)
        plan = {"phases": [{"shape": "closed", "workers": 1, "seconds": last - first}]}
        found.append(Load(len(found), "long requests", plan, first, last, rows, names))
    return tuple(found)


def _joined(table: Sequence[dict[str, str]], model: Iterable[Served]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    names: dict[str, int] = {}
    rows = []
    for number, entry in enumerate(table):
        start = float(entry["start"])
        status = int(entry.get("status") or 0)
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
                in_flight=int(entry.get("inflight") or 0),
                high_water=int(entry.get("maxinflight") or 0),
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


def _rebuilt(plan: dict[str, Any], model: Sequence[Served], start: float) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    phase = plan["phases"][0]
    workers = int(phase.get("workers") or 1)
    rate = float(phase.get("rate_per_worker") or 0.0)
    names: dict[str, int] = {}
    rows = []
    free = [(start, number) for number in range(workers)]
    for number, entry in enumerate(model):
        since, worker = heapq.heappop(free)
        sent = min(since, entry.arrival - WIRE_SECONDS)
        paced = rate and entry.seconds * rate < 0.9
        if paced:
            # A paced caller waits for its ticker: only the request's own time is in flight.
            sent = entry.arrival - WIRE_SECONDS
        end = entry.arrival + entry.seconds + WIRE_SECONDS
        heapq.heappush(free, (end, worker))
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


def service_seconds(environment: str) -> tuple[int, float]:
    """(service time in ms, start delay in s) from a laboratory's environment text."""
    service = re.search(r"SERVICE_TIME_MS=([0-9.]+)", environment)
    start = re.search(r"START_DELAY_S=([0-9.]+)", environment)
    return int(float(service[1])) if service else 100, float(start[1]) if start else 0.0
