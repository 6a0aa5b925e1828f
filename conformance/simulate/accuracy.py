"""How well a simulation tells what real platforms did: `python -m conformance.simulate.accuracy RUN` simulates each
recording of a run and prints both side by side, as Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.judge.history import History, read
from conformance.judge.service_summary import ServiceSummary
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run
from conformance.simulate.like import like
from conformance.simulate.variations import Case
from conformance.simulate.what_if import Simulated, shown_seconds, simulated


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording and its simulation, from the first arrival to the end of the recording."""

    name: str
    peak_pods: tuple[int, int]
    """Recorded and simulated, as all that follows."""
    pod_minutes: tuple[float, float]
    p99_seconds: tuple[float, float]

    @property
    def deviation(self) -> float:
        """Of the simulated pod minutes from the recorded ones, as a share of these."""
        recorded, found = self.pod_minutes
        return (found - recorded) / recorded if recorded else 0.0


def compared(folder: Path) -> Compared:
    """Simulate one recording."""
    recording = Recording(folder)
    history = read(recording)
    summary = ServiceSummary(history)
    found = simulated(like(folder), Case({}))
    return Compared(
        history.name.removesuffix("-run1"),
        (_peak(history), found.peak_pods),
        (summary.pod_minutes, _minutes(found, history.end - summary.since)),
        (summary.percentile(99), found.p99_seconds),
    )


def _peak(history: History) -> int:
    return ServiceSummary(history).peak_pods


def _minutes(found: Simulated, seconds: float) -> float:
    """Wanted pods x minutes, since those there follow them within seconds."""
    return sum(float(wanted if wanted is not None else ready) for t, wanted, ready in found.course if t < seconds) / 60


def lines(found: Sequence[Compared]) -> Iterator[str]:
    """The table."""
    yield "| recording | most pods | simulated | pod minutes | simulated | | p99 | simulated |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in found:
        pods, minutes, p99 = each.peak_pods, each.pod_minutes, each.p99_seconds
        yield (
            f"| {each.name} | {pods[0]} | {pods[1]} | {minutes[0]:.1f} | {minutes[1]:.1f} | {each.deviation:+.0%} "
            f"| {shown_seconds(p99[0])} | {shown_seconds(p99[1])} |"
        )


def main(folder: Path) -> None:
    """Print the table for a run's recordings with a load."""
    names = [entry.recording for entry in Run.read(folder).scenarios if entry.recording]
    print("\n".join(lines([compared(folder / name) for name in names])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
