"""Long runs in virtual time, watched: `python -m tests.reliability.soak --virtual 7200 --scenarios 200`.

The soak repeats the documented example's load until the time is up and reads memory, tasks and open files after every
round. What a recording or a watch history has to keep grows with the rounds; what grows beyond that is a leak.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from clusters.embedded.provider import EmbeddedProvider
from conformance.budget import Admission
from conformance.campaign import Campaign
from conformance.clock import run_virtual, virtual_clock
from conformance.load.inprocess import InProcessGenerator
from conformance.run import Implementation, Run
from conformance.runner import Conditions
from conformance.scenario import Scenario, Step, scenarios
from conformance.settings import Budgets
from tests.reliability.matrix import Silent

SCENARIO: Final = "target-concurrency"
ROUND_SECONDS: Final = 120.0
"""A load of 30 s and the idle time after it, in which the platform scales back."""
GROWTH_MIB_PER_HOUR: Final = 24.0
"""Granted growth of resident memory per virtual hour after warming up: watch histories and pods' logs."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    virtual_seconds: float
    blocks: int
    rss_mib: float
    tasks: int
    files: int


@dataclass
class Watcher(Silent):
    """Looks whenever a scenario comes to a new phase of rest."""

    samples: list[Sample] = field(default_factory=list)
    _phase: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def update(self, name: str, *figures: object, **more: object) -> None:
        phase = str(more.get("phase") or self._phase)
        if phase == "idle" != self._phase:
            self.samples.append(look())
        self._phase = phase


def look() -> Sample:
    """The process as it is now."""
    gc.collect()
    loop = asyncio.get_running_loop()
    return Sample(loop.time(), sys.getallocatedblocks(), rss_mib(), len(asyncio.all_tasks()), open_files())


def rss_mib() -> float:
    """Resident memory now, by `ps`, which Linux and macOS share."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def open_files() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/dev/fd"))


def repeated(seconds: float) -> Scenario:
    """The documented example under load again and again."""
    source = scenarios()[SCENARIO]
    load = next(step for step in source.steps if step.kind == "load")
    rest = Step(kind="idle", seconds=ROUND_SECONDS - 30.0)
    rounds = max(1, int(seconds / ROUND_SECONDS))
    return replace(source, name="soak", steps=(load, rest) * rounds)


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a run left behind."""

    outcomes: tuple[str, ...]
    samples: tuple[Sample, ...]
    before: Sample
    after: Sample
    seconds: float

    @property
    def growth_mib_per_hour(self) -> float:
        """Of resident memory, from the first quarter to the end."""
        first, last = self.samples[len(self.samples) // 4], self.samples[-1]
        return (last.rss_mib - first.rss_mib) / max(1e-9, last.virtual_seconds - first.virtual_seconds) * 3600


def soak(chosen: Sequence[Scenario], folder: Path, budgets: Budgets | None = None) -> Soaked:
    """Run scenarios on one embedded platform in virtual time."""
    begun = time.perf_counter()
    watcher = Watcher()

    async def main() -> tuple[Run, Sample, Sample]:
        clock = virtual_clock()
        before = look()
        draft = Run(
            id="20260101-0000-soak", command="soak", seed=1, clock="virtual", provider="embedded",
            started_wall=clock.wall(), finished_wall=0.0, suite_version="0", source_digest="",
            implementation=Implementation("tests", "soak", "https://example.org/", "1", ("tests",)),
            environment={}, settings={}, profiles=("autoscaling-kpa",), features=(),
            selected=tuple(entry.name for entry in chosen),
        )  # fmt: skip
        campaign = Campaign(
            draft, folder, EmbeddedProvider(clock=clock, seed=1), list(chosen), Admission(budgets or Budgets()), clock,
            lambda cluster: InProcessGenerator(_handler(cluster), clock), watcher,
            Conditions(draft.id, draft.seed, "0"),
        )  # fmt: skip
        run = await campaign.run()
        del campaign
        return run, before, look()

    run, before, after = run_virtual(main())
    outcomes = tuple(entry.outcome for entry in run.scenarios)
    return Soaked(outcomes, tuple(watcher.samples), before, after, time.perf_counter() - begun)


def _handler(cluster: Any) -> Any:
    assert cluster.ingress.handler is not None
    return cluster.ingress.handler


def many(count: int) -> list[Scenario]:
    """Short scenarios under different names."""
    source = scenarios()[SCENARIO]
    load = next(step for step in source.steps if step.kind == "load")
    return [replace(source, name=f"many-{number:03d}", steps=(load,)) for number in range(count)]


def main() -> None:
    """Print the tables for docs/reliability.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.soak")
    parser.add_argument("--virtual", type=float, default=7200.0, help="seconds of the soak; 0 leaves it out")
    parser.add_argument("--scenarios", type=int, default=200, help="in one run; 0 leaves it out")
    given = parser.parse_args()
    print("| run | outcome | resident at a quarter, MiB | at the end | growth an hour | tasks | files | real s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        if given.virtual:
            done = soak([repeated(given.virtual)], _new(Path(name) / "soak"))
            quarter, last = done.samples[len(done.samples) // 4], done.samples[-1]
            print(
                f"| {last.virtual_seconds:.0f} virtual s | {' '.join(sorted(set(done.outcomes)))} "
                f"| {quarter.rss_mib:.0f} | {last.rss_mib:.0f} | {done.growth_mib_per_hour:+.1f} | {_kept(done)} |",
                flush=True,
            )
        if given.scenarios:
            done = soak(many(given.scenarios), _new(Path(name) / "many"))
            complete = done.outcomes.count("complete")
            held = f"{done.before.rss_mib:.0f} before | {done.after.rss_mib:.0f} | "
            print(f"| {given.scenarios} scenarios | {complete} complete | {held} | {_kept(done)} |")


def _kept(done: Soaked) -> str:
    before, after = done.before, done.after
    return f"{before.tasks} to {after.tasks} | {before.files} to {after.files} | {done.seconds:.0f}"


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
