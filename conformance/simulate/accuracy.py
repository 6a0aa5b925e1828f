"""How well a simulation tells what real platforms did: `python -m conformance.simulate.accuracy RUN…` simulates each
recording of runs and prints both side by side, as Markdown.

The simulation is given what a recording's `--like` takes from it, load, times and settings, and lasts as long; nothing
of what pods did. Without RUN it is the recordings of honest platforms in `fixtures/recordings`.
"""

from __future__ import annotations

import math
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from conformance.base.locations import FIXTURES
from conformance.judge.history import read
from conformance.judge.service_summary import ServiceSummary
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run
from conformance.simulate.like import like
from conformance.simulate.variations import Case
from conformance.simulate.what_if import shown_seconds, simulated

HONEST: Final = ("good", "kind-limits")
"""Of `fixtures/recordings`: platforms that nothing was wrong with, on machines that were not starved."""
MOST_REQUESTS: Final = 40_000
"""A simulated request takes half a millisecond; one recording has 147,000."""
DONE: Final = "complete"


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording and its simulation, from the first arrival to the end of the recording."""

    name: str
    requests: int
    """Recorded."""
    peak_pods: tuple[int, int]
    """Recorded and simulated, as all that follows."""
    pod_minutes: tuple[float, float]
    p50_seconds: tuple[float, float]
    p99_seconds: tuple[float, float]

    @property
    def deviation(self) -> float:
        """Of the simulated pod minutes from the recorded ones, as a share of these."""
        recorded, found = self.pod_minutes
        return (found - recorded) / recorded if recorded else 0.0

    def row(self) -> str:
        """Of the table."""
        pods, minutes = self.peak_pods, self.pod_minutes
        half, late = self.p50_seconds, self.p99_seconds
        return (
            f"| {self.name} | {self.requests} | {pods[0]} | {pods[1]} | {minutes[0]:.1f} | {minutes[1]:.1f} "
            f"| {self.deviation:+.0%} | {shown_seconds(half[0])} | {shown_seconds(half[1])} "
            f"| {shown_seconds(late[0])} | {shown_seconds(late[1])} |"
        )


def compared(folder: Path) -> Compared | None:
    """Simulate one recording; None for one that has no load, or more of it than is simulated in seconds, or whose
    service was changed meanwhile. Raises UsageError for one that cannot be simulated."""
    history = read(Recording(folder))
    summary = ServiceSummary(history)
    if not 0 < summary.requests <= MOST_REQUESTS or history.outcome != DONE:
        return None
    if any(len([each for each in history.component(name) if each.pods]) > 1 for name in history.components):
        return None
    rest = history.end - max(load.end for load in history.loads)
    found = simulated(replace(like(folder), rest_seconds=max(1.0, rest)), Case({}))
    return Compared(
        folder.name.removesuffix("-run1"),
        summary.requests,
        (summary.peak_pods, found.peak_pods),
        (summary.pod_minutes, found.pod_minutes),
        (summary.percentile(50), found.p50_seconds),
        (summary.percentile(99), found.p99_seconds),
    )


def deviations(rows: Sequence[str]) -> tuple[list[int], list[float]]:
    """Of a table's rows: how far the most pods lie apart, and by what share pod minutes differ."""
    cells = [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]
    return [abs(int(row[2]) - int(row[3])) for row in cells], [abs(float(row[6].rstrip("%"))) / 100 for row in cells]


HEAD: Final = (
    "| recording | requests | most pods | simulated | pod minutes | simulated | | p50 | simulated | p99 | simulated |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def summary(rows: Sequence[str]) -> str:
    """The table in a sentence."""
    apart, shares = deviations(rows)
    off = sorted(shares)
    return (
        f"{len(rows)} recordings: the most pods are the same in {apart.count(0)}, one apart in {apart.count(1)}, "
        f"at most {max(apart)} apart; pod minutes are {np.median(off):.0%} off at the median, "
        f"{off[math.ceil(0.9 * len(off)) - 1]:.0%} in nine of ten, {off[-1]:.0%} at the most."
    )


def recordings(folder: Path) -> Iterator[Path]:
    """Folders of a run's recordings."""
    yield from (folder / entry.recording for entry in Run.read(folder).scenarios if entry.recording)


def main(given: Sequence[Path]) -> None:
    """Print the table, row by row, and the sentence."""
    with ExitStack() as stack:
        runs = [*given] or [*(stack.enter_context(unpacked(name)) for name in HONEST)]
        print("\n".join(HEAD), flush=True)
        rows = []
        for folder in (each for run in runs for each in recordings(run)):
            if (one := compared(folder)) is not None:
                rows.append(one.row())
                print(rows[-1], flush=True)
        print(f"\n{summary(rows)}")


@contextmanager
def unpacked(name: str) -> Iterator[Path]:
    """A run of `fixtures/recordings`, for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="conformance-accuracy-") as folder:
        with tarfile.open(FIXTURES / "recordings" / f"{name}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder) / name


if __name__ == "__main__":
    main([Path(text) for text in sys.argv[1:]])
