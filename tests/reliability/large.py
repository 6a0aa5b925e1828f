"""Records many arrivals, judges as many in a process of its own: `python -m tests.reliability.large --rows 10000000`.

The recording is that of a rehearsal whose callers were made faster: each of its requests is cut into equal shorter ones
back to back. The load in flight stays what it was, so the verdicts on it have to stay too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from conformance.catalogue.scenario import scenarios
from conformance.judge.arrivals import ROWS
from conformance.judge.judged_run import store
from conformance.judge.judging import judge_run
from conformance.judge.serial import load as read_judgements
from conformance.load.row_writer import FLUSH_ROWS, LoadPaths, RowWriter
from conformance.recording.rows import Row
from conformance.simulate.simulation import simulate_scenario

SCENARIO: Final = "target-concurrency"
COUNTED: Final = ("CON-001", "CON-002")
"""Requirements on the number of pods; they see load, not requests."""
CHUNK_ROWS: Final = 200_000
BEAT_SECONDS: Final = 0.01
BOUND_MIB: Final = 800
"""Peak memory granted to judge ten million arrivals (720 MB on disk), the process's own 75 MiB included."""
BYTES_PER_ROW: Final = 96
"""Granted to judging more arrivals, for each; several times are looked at in order, 8 bytes each."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What judging took."""

    rows: int
    seconds: float
    peak_mib: float
    verdicts: dict[str, str]


def rehearsed(folder: Path) -> Path:
    """A run folder of one scenario, judged."""
    simulate_scenario(scenarios()[SCENARIO], folder)
    store(judge_run(folder))
    return folder


def multiply(folder: Path, wanted: int) -> int:
    """Cut every request of the run's load into shorter ones until there are about `wanted`; how many there are."""
    path = folder / "recording" / SCENARIO / "load-0.rows"
    rows: Any = np.fromfile(path, dtype=ROWS)
    rows = rows[~np.isnan(rows["sent"]) & ~np.isnan(rows["end"])]
    parts = max(1, wanted // len(rows))
    with path.open("wb") as file:
        step = max(1, CHUNK_ROWS // parts)
        for first in range(0, len(rows), step):
            found = _cut(rows[first : first + step], parts)
            found["request"] = first * parts + 1 + np.arange(len(found))
            found.tofile(file)
    return len(rows) * parts


def _cut(rows: Any, parts: int) -> Any:
    found: Any = np.repeat(rows, parts)
    share = np.tile(np.arange(parts), len(rows)) / parts
    length = found["end"] - found["sent"]
    begin = found["sent"] + share * length
    found["scheduled"] = begin
    found["sent"] = begin
    found["end"] = begin + length / parts
    found["first_byte"] = found["end"]
    found["model_seconds"] /= parts
    # What the pod said holds for the moment of the arrival; of later moments only that the request was in it.
    found["in_flight"] = np.where(share == 0, found["in_flight"], np.minimum(found["in_flight"], 1))
    found["connect_seconds"] = 0
    return found


def judged(folder: Path, rows: int) -> Measured:
    """Judge in a fresh process, which tells its own peak."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.large", "--judge", str(folder)],
        capture_output=True, text=True, check=True, timeout=1800,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    entries = read_judgements((folder / "judgements.json").read_bytes())
    verdicts = {entry.requirement: entry.verdict.value for entry in entries}
    return Measured(rows, seconds, json.loads(done.stdout)["peak_mib"], verdicts)


def peak_mib() -> float:
    """This process's peak resident memory; Linux counts KiB, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


async def recorded(folder: Path, rows: int) -> tuple[float, float, float]:
    """Write so many arrivals as a load engine does. Seconds it took, the longest time in which the loop did nothing
    else, and the memory it took on the way, MiB."""
    begun, before, longest = time.perf_counter(), peak_mib(), 0.0
    tape = RowWriter(LoadPaths.of(folder, 0), threaded=True)
    over = asyncio.Event()

    async def beat() -> None:
        nonlocal longest
        while not over.is_set():
            due = time.perf_counter() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            longest = max(longest, time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        group.create_task(beat())
        for begin in range(0, rows, FLUSH_ROWS):
            for number in range(begin, min(begin + FLUSH_ROWS, rows)):
                tape.rows.append(Row(number * 1e-5, status=200, pod=tape.pod(b"pod"), request=number % 2**32).pack())
            tape.flush()
            await asyncio.sleep(0)
        over.set()
    tape.close()
    return time.perf_counter() - begun, longest, peak_mib() - before


def main() -> None:
    """Print rows of the tables for docs/reliability.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.judge:
        store(judge_run(given.judge))
        print(json.dumps({"peak_mib": round(peak_mib(), 1)}))
        return
    with tempfile.TemporaryDirectory() as name:
        seconds, longest, mib = asyncio.run(recorded(Path(name), given.rows))
        size = (Path(name) / "load-0.rows").stat().st_size / 1e6
    print("| arrivals | on disk, MB | recorded in, s | longest stall, ms | memory, MiB |\n|---|---|---|---|---|")
    print(f"| {given.rows:,} | {size:.0f} | {seconds:.1f} | {longest * 1000:.0f} | {mib:.0f} |\n", flush=True)
    print("| arrivals | on disk, MB | judged in, s | peak memory, MiB | verdicts on pods |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = rehearsed(Path(name) / "run")
        small = judged(folder, 0)
        beyond = []
        for found in (small, judged(folder, multiply(folder, given.rows))):
            size = found.rows * ROWS.itemsize / 1e6
            verdicts = ", ".join(f"{each} {found.verdicts[each]}" for each in COUNTED)
            rows = f"{found.rows:,}" if found.rows else "as recorded"
            print(f"| {rows} | {size:.0f} | {found.seconds:.1f} | {found.peak_mib:.0f} | {verdicts} |", flush=True)
            granted = min(BOUND_MIB, small.peak_mib + 16 + found.rows * BYTES_PER_ROW / (1 << 20))
            if found.peak_mib > granted:
                beyond.append(f"{found.peak_mib:.0f} MiB are more than {granted:.0f}")
            if any(found.verdicts[each] != small.verdicts[each] for each in COUNTED):
                beyond.append("the same load under more requests got another verdict")
    print(*beyond, sep="\n", file=sys.stderr)
    raise SystemExit(1 if beyond else 0)


if __name__ == "__main__":
    main()
