"""One load's files of the files of its shards: rows in the order of completion, one list of pods, one line a second.

All shards stamp with one clock, so merging is sorting. Only the sort keys are held in memory. Of a shard that was lost,
the files say what it was to send: its part of the plan, recomputed, as arrivals that were dropped. So whoever reads the
rows sees what was not offered, without having to know that there were shards.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.load.generator import LoadResult
from conformance.load.load_plan import LoadPlan, LoadShape
from conformance.load.load_summary import CHUNK_ROWS, ROWS
from conformance.load.row_writer import LoadPaths
from conformance.load.schedule import Arrival, stream
from conformance.recording.rows import ROW_BYTES, Row, RowError

CAUSE: Final = "dropped: shard lost"
_PIECE: Final = 10_000
_SUMMED: Final = (
    "scheduled", "sent", "answered", "errors", "cap_hits", "missed_ticks", "in_flight", "cpu_share",
    "vigil_share", "involuntary_switches",
)  # fmt: skip
_GREATEST: Final = ("lag_p50_seconds", "lag_p99_seconds", "loop_lag_seconds", "steal_share")


def merge(shards: Sequence[LoadPaths], whole: LoadPaths, *, lost: int = 0) -> None:
    """Write the whole step's files and remove the shards'. `lost` is how many of these were lost, whose files hold what
    they were to send. Files that are missing or torn count with what is whole in them."""
    names, numbers = _names(shards)
    _write_names(whole.names, names)
    _merge_rows(shards, numbers, whole.rows)
    _merge_lines(shards, whole.lines, lost)
    for paths in shards:
        for path in (paths.rows, paths.names, paths.lines):
            path.unlink(missing_ok=True)


def _names(shards: Sequence[LoadPaths]) -> tuple[list[str], list[NDArray[np.uint32]]]:
    """All pods in the order in which the shards name them, and for each shard the new number of each old one."""
    known: dict[str, int] = {}
    numbers = []
    for paths in shards:
        lines = paths.names.read_text(encoding="utf-8").splitlines() if paths.names.exists() else []
        numbers.append(np.array([0, *(known.setdefault(line, len(known) + 1) for line in lines)], dtype=np.uint32))
    return list(known), numbers


def _write_names(path: Path, names: list[str]) -> None:
    path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")


def _map_rows(path: Path) -> NDArray[Any]:
    count = path.stat().st_size // ROW_BYTES if path.exists() else 0
    return np.memmap(path, dtype=ROWS, mode="r", shape=(count,)) if count else np.zeros(0, dtype=ROWS)


def _merge_rows(shards: Sequence[LoadPaths], numbers: Sequence[NDArray[np.uint32]], path: Path) -> None:
    parts = [_map_rows(paths.rows) for paths in shards]
    order = np.argsort(np.concatenate([np.asarray(part["end"]) for part in parts]), kind="stable")
    edges = np.cumsum([0, *(len(part) for part in parts)])
    with path.open("xb") as file:
        for begin in range(0, len(order), CHUNK_ROWS):
            wanted = order[begin : begin + CHUNK_ROWS]
            rows = np.empty(len(wanted), dtype=ROWS)
            for part, first, renumbered in zip(parts, edges, numbers, strict=False):
                mine = (wanted >= first) & (wanted < first + len(part))
                taken = part[wanted[mine] - first]
                # A torn names file may lack the last names: those pods are unknown.
                taken["pod"] = renumbered[np.where(taken["pod"] < len(renumbered), taken["pod"], 0)]
                rows[mine] = taken
            file.write(rows.tobytes())


def _merge_lines(shards: Sequence[LoadPaths], path: Path, lost: int) -> None:
    """The seconds of the shard with the most of them; of a shard that has fewer, the last totals stand."""
    read = [_read_lines(paths.lines) for paths in shards]
    first: dict[str, Any] = next((lines[0] for lines in read if lines and "plan" in lines[0]), {})
    engine = {**first.get("engine", {}), "shards": len(shards) - lost, "lost": lost}
    out: list[Mapping[str, Any]] = [{"plan": first.get("plan", {}), "engine": engine}]
    seconds = [[line for line in lines if "t" in line] for lines in read]
    for at in range(max((len(lines) for lines in seconds), default=0)):
        out.append(_second([(lines[min(at, len(lines) - 1)], at < len(lines)) for lines in seconds if lines]))
    ends = [line["summary"] for lines in read for line in lines if "summary" in line]
    if ends:
        out.append({"summary": _end(ends, len(shards) - lost, lost)})
    with path.open("x", encoding="utf-8") as file:
        file.writelines(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in out)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line]


def _second(lines: Sequence[tuple[Mapping[str, Any], bool]]) -> dict[str, Any]:
    running = [line for line, alive in lines if alive]
    everyone = [line for line, _ in lines]
    rates = ("in_flight", "cpu_share", "vigil_share", "involuntary_switches")
    value: dict[str, Any] = {"t": max(line["t"] for line in running)}
    for key in _SUMMED:
        value[key] = sum(line[key] for line in (running if key in rates else everyone))
    for key in ("cpu_share", "vigil_share"):
        value[key] = round(value[key], 4)
    for key in _GREATEST:
        value[key] = max(line[key] for line in running)
    return value


def _end(ends: Sequence[Mapping[str, Any]], shards: int, lost: int) -> dict[str, Any]:
    causes: Counter[str] = Counter()
    for end in ends:
        causes.update(end.get("causes", {}))
    totals = ("scheduled", "sent", "answered", "errors", "cap_hits", "missed_ticks", "peak_in_flight")
    return {
        "start": min(end["start"] for end in ends),
        "end": max(end["end"] for end in ends),
        "stopped": any(end["stopped"] for end in ends),
        **{key: sum(end[key] for end in ends) for key in totals},
        "causes": dict(sorted(causes.items())),
        "shards": shards,
        "lost": lost,
    }


def write_lost(paths: LoadPaths, plan: LoadPlan, shard: int, shards: int, start: float) -> LoadResult:
    """Replace a lost shard's files; what they hold. `start` counts from the recording's origin, as the result does."""
    arrivals, count = _arrivals(plan, shard, shards), 0
    with paths.rows.open("wb") as file:
        while piece := list(islice(arrivals, _PIECE)):
            count += len(piece)
            file.write(b"".join(_row(arrival, start) for arrival in piece))
    paths.names.write_bytes(b"")
    end = start + plan.seconds
    totals = {"scheduled": count, "sent": 0, "answered": 0, "errors": 0, "cap_hits": count, "missed_ticks": 0}
    summary = {"start": start, "end": end, "stopped": False, **totals, "peak_in_flight": 0, "causes": {CAUSE: count}}
    paths.lines.write_text(json.dumps({"summary": summary}) + "\n", encoding="utf-8")
    return LoadResult(start, end, 0, 0, 0, count)


def _arrivals(plan: LoadPlan, shard: int, shards: int) -> Iterator[Arrival]:
    """Those that the plan names. A closed loop names none: its lost workers show as requests that nobody sent. Nor does
    a phase that ends with its count rather than its time, which can only be the last."""
    for arrival in stream(plan, shard, shards):
        phase = plan.phases[arrival.phase]
        if phase.shape is LoadShape.SALVO and not phase.seconds:
            return
        if phase.shape is not LoadShape.CLOSED:
            yield arrival


def _row(arrival: Arrival, start: float) -> bytes:
    due = start + arrival.due
    return Row(due, end=due, error=RowError.DROPPED, phase=arrival.phase, worker=arrival.worker).pack()
