"""Long runs, watched: `python -m tests.reliability.soak --virtual 7200 --scenarios 200 --real 1800`.

The soak repeats the documented example's load until the time is up and reads memory, tasks and open files after every
round. In virtual time harness and platform are one process; in real time each is one, and both are watched. A recording
is written as it grows, so a long run may hold no more than a short one: growth beyond the bounds ends in exit code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import Clock, RealClock, run_virtual, virtual_clock
from conformance.catalogue.scenario import Scenario, Step, scenarios
from conformance.kube.cluster import Cluster
from conformance.load.child import ChildGenerator
from conformance.load.generator import Generator
from conformance.recording.run_record import Implementation, Run
from conformance.run.campaign import Campaign
from conformance.run.context import Conditions
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.settings.settings import Budgets
from tests.reliability.looks import Sample, Watcher, look

SCENARIO: Final = "target-concurrency"
ROUND_SECONDS: Final = 120.0
"""A load of 30 s and the idle time after it, in which the platform scales back."""
EVENTS_SECONDS: Final = 3600.0
"""Within this time an API server collects Events; only then does it drop as many as come."""
FILLING_MIB_PER_HOUR: Final = 48.0
"""Granted growth of resident memory of a process with an API server in that time, about 500 Events of one load each
two minutes, counted from a quarter of the run."""
GROWTH_MIB_PER_HOUR: Final = 8.0
"""Granted later, and granted to a harness without an API server always: what allocators do not give back."""
BOUND_MIB: Final = 192.0
"""Granted in all to harness and platform together."""
LEFT_BLOCKS: Final = 200_000
"""Pieces of Python objects granted to what a run leaves: modules it loaded, their caches, outcomes. An open platform
has a million. Resident memory does not tell, because allocators keep what they once got."""
MANY_MIB: Final = 384.0
"""Granted to a run of 200 scenarios: the API server's watch history is full then (20,000 changes in five minutes)."""


def repeated(seconds: float) -> Scenario:
    """The documented example under load again and again."""
    source = scenarios()[SCENARIO]
    load = next(step for step in source.steps if step.kind == "load")
    rest = Step(kind="idle", seconds=ROUND_SECONDS - 30.0)
    rounds = max(1, int(seconds / ROUND_SECONDS))
    return replace(source, name="soak", steps=(load, rest) * rounds)


def many(count: int) -> list[Scenario]:
    """Short scenarios under different names."""
    source = scenarios()[SCENARIO]
    load = next(step for step in source.steps if step.kind == "load")
    return [replace(source, name=f"many-{number:03d}", steps=(load,)) for number in range(count)]


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a run left behind."""

    outcomes: tuple[str, ...]
    samples: tuple[Sample, ...]
    before: Sample
    after: Sample
    seconds: float

    @property
    def filled(self) -> Sample:
        """When what fills once was full: after the time of Events, or after a quarter of a shorter run."""
        begun = self.samples[0].seconds
        late = [sample for sample in self.samples[:-1] if sample.seconds - begun >= EVENTS_SECONDS]
        return late[0] if late else self.samples[len(self.samples) // 4]

    @property
    def growth_mib_per_hour(self) -> tuple[float, float]:
        """Of resident memory from then to the end: this process, the platform's."""
        first, last = self.filled, self.samples[-1]
        hours = max(1e-9, last.seconds - first.seconds) / 3600
        return (last.rss_mib - first.rss_mib) / hours, (last.platform_mib - first.platform_mib) / hours

    @property
    def granted_mib_per_hour(self) -> tuple[float, float]:
        """What each of the two may have grown by."""
        server = FILLING_MIB_PER_HOUR
        if self.filled.seconds - self.samples[0].seconds >= EVENTS_SECONDS:
            server = GROWTH_MIB_PER_HOUR
        return (GROWTH_MIB_PER_HOUR, server) if self.samples[-1].platform_mib else (server, 0.0)

    def faults(self, bound_mib: float = BOUND_MIB) -> list[str]:
        """What a run must not leave, in words."""
        found = [f"{len(bad)} scenarios ended {bad[0]}"] if (bad := self._incomplete()) else []
        for name in ("tasks", "files"):
            before, after = getattr(self.before, name), getattr(self.after, name)
            found += [f"{name} went from {before} to {after}"] if after > before else []
        left = self.after.blocks - self.before.blocks
        found += [f"{left} more pieces of Python objects than before"] if left > LEFT_BLOCKS else []
        held = max(sample.rss_mib + sample.platform_mib for sample in (*self.samples, self.after))
        if held > bound_mib:
            found.append(f"{held:.0f} MiB are more than {bound_mib:.0f}")
        if len(self.samples) > 1:
            growths = zip(("harness", "platform"), self.growth_mib_per_hour, self.granted_mib_per_hour, strict=True)
            first, last = self.filled.platform_files, self.samples[-1].platform_files
            found += [f"the platform's files went from {first} to {last}"] if last > first else []
            found += [f"{who} grew by {is_:.1f} MiB an hour of {may:g}" for who, is_, may in growths if is_ > may]
        return found

    def _incomplete(self) -> list[str]:
        return [outcome for outcome in self.outcomes if outcome != "complete"]


def soak(chosen: Sequence[Scenario], folder: Path, budgets: Budgets | None = None) -> Soaked:
    """Run scenarios on one embedded platform in virtual time."""
    return run_virtual(_soak(chosen, folder, budgets, virtual_clock))


def soak_for_real(chosen: Sequence[Scenario], folder: Path, budgets: Budgets | None = None) -> Soaked:
    """Run scenarios on an embedded platform in a process of its own, in real time."""
    return asyncio.run(_soak(chosen, folder, budgets, RealClock))


async def _soak(
    chosen: Sequence[Scenario], folder: Path, budgets: Budgets | None, clocks: Callable[[], Clock]
) -> Soaked:
    begun, clock, watcher = time.perf_counter(), clocks(), Watcher()
    before = look()

    def generator(cluster: Cluster) -> Generator:
        watcher.platform = cluster.pid
        if cluster.ingress.handler is None:
            return ChildGenerator()
        return InProcessGenerator(cluster.ingress.handler, clock)

    draft = Run(
        id="20260101-0000-soak", command="soak", seed=1, clock="soak", provider="embedded",
        started_wall=clock.wall(), finished_wall=0.0, suite_version="0", source_digest="",
        implementation=Implementation("tests", "soak", "https://example.org/", "1", ("tests",)),
        environment={}, settings={}, profiles=("autoscaling-kpa",), features=(),
        selected=tuple(entry.name for entry in chosen),
    )  # fmt: skip
    campaign = Campaign(
        draft, folder, chosen, EmbeddedProvider(clock=clock, seed=1), generator, clock=clock,
        conditions=Conditions(draft.id, draft.seed, "0"), budgets=budgets or Budgets(), progress=watcher,
    )  # fmt: skip
    run = (await campaign.run()).run
    del campaign
    outcomes = tuple(entry.outcome for entry in run.scenarios)
    return Soaked(outcomes, tuple(watcher.samples), before, look(), time.perf_counter() - begun)


def _row(name: str, done: Soaked, *, real: bool) -> str:
    """One row of the table for docs/reliability.md."""
    first = done.filled if done.samples else done.before
    last = done.samples[-1] if done.samples else done.after
    held = f"{first.rss_mib:.0f} | {last.rss_mib:.0f} | "
    growth = f"{done.growth_mib_per_hour[0]:+.1f}" if done.samples else f"{last.rss_mib - first.rss_mib:+.0f} in all"
    if real:
        held = f"{first.rss_mib:.0f} + {first.platform_mib:.0f} | {last.rss_mib:.0f} + {last.platform_mib:.0f} | "
        growth += f" and {done.growth_mib_per_hour[1]:+.1f}"
    complete = f"{done.outcomes.count('complete')} of {len(done.outcomes)} complete"
    kept = f"{done.before.tasks} to {done.after.tasks} | {done.before.files} to {done.after.files}"
    return f"| {name}, {complete} | {held}{growth} | {kept} | {done.seconds:.0f} |"


def main() -> None:
    """Print the tables for docs/reliability.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.soak")
    parser.add_argument("--virtual", type=float, default=7200.0, help="seconds of the soak; 0 leaves it out")
    parser.add_argument("--scenarios", type=int, default=200, help="in one run; 0 leaves it out")
    parser.add_argument("--real", type=float, default=0.0, help="seconds of the soak in real time; 0 leaves it out")
    given = parser.parse_args()
    print("| run | resident once filled, MiB | at the end | growth an hour | tasks | files | real s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    faults = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if given.virtual:
            done = soak([repeated(given.virtual)], _new(place / "soak"))
            print(_row(f"{given.virtual:.0f} s, virtual", done, real=False), flush=True)
            faults += done.faults()
        if given.scenarios:
            done = soak(many(given.scenarios), _new(place / "many"))
            print(_row(f"{given.scenarios} scenarios, virtual", done, real=False), flush=True)
            faults += done.faults(MANY_MIB)
        if given.real:
            done = soak_for_real([repeated(given.real)], _new(place / "real"))
            print(_row(f"{given.real:.0f} s, real time", done, real=True), flush=True)
            faults += done.faults()
    print(*faults, sep="\n", file=sys.stderr)
    raise SystemExit(1 if faults else 0)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
