"""Campaigns on the embedded platform in virtual time, with everything real but the clock."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from conformance.base.announcements import announcements
from conformance.base.clock import run_virtual, virtual_clock
from conformance.catalogue.scenario import Scenario, Step, scenarios
from conformance.kube.cluster import Cluster, Provider
from conformance.load.generator import Generator
from conformance.recording.reader import Recording
from conformance.recording.redaction import Redactor
from conformance.recording.run_record import Implementation, Run
from conformance.run.campaign import Campaign, Recorded
from conformance.run.context import Conditions
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.harness_log import harness_log
from conformance.run.progress import Progress
from conformance.settings.providers import provider
from conformance.settings.settings import EMBEDDED_BUDGETS, Budgets, Settings

RUN = "20260101-000000-abcd"


def short(name: str, *steps: Step, called: str = "") -> Scenario:
    """A scenario of the catalogue with other steps, under another name where one is given."""
    found = scenarios()[name]
    return replace(found, name=called or name, steps=steps)


def draft(chosen: Sequence[Scenario]) -> Run:
    """A run that has not started."""
    return Run(
        id=RUN, command="test", seed=1, clock="virtual", provider="embedded", started_wall=0.0, finished_wall=0.0,
        suite_version="0.1.0", source_digest="", implementation=Implementation("t", "t", "u", "1", ("t",)),
        environment={}, settings={}, profiles=("autoscaling-kpa",), features=(),
        selected=tuple(entry.name for entry in chosen),
    )  # fmt: skip


Meddler = Callable[[Campaign], Awaitable[None]]


def campaign(
    folder: Path,
    chosen: Sequence[Scenario],
    *,
    fault: str | None = None,
    opening: Callable[[Provider], Provider] = lambda found: found,
    readiness_seconds: float = 120.0,
    budgets: Budgets = EMBEDDED_BUDGETS,
    around: Callable[[Campaign], Awaitable[Recorded]] = Campaign.run,
) -> tuple[Recorded, str]:
    """Run scenarios to their end; what was recorded and what was shown meanwhile. harness.log lies in the folder."""
    shown = io.StringIO()
    folder.mkdir(parents=True, exist_ok=True)

    async def main() -> Recorded:
        clock = virtual_clock()

        def generator(cluster: Cluster) -> Generator:
            assert cluster.ingress.handler is not None
            return InProcessGenerator(cluster.ingress.handler, clock)

        redactor = Redactor()
        progress = Progress(shown, live=False, now=clock.monotonic)
        found = Campaign(
            draft(chosen),
            folder,
            chosen,
            opening(provider(Settings(clock="virtual", seed=1, fault=fault), clock)),
            generator,
            clock=clock,
            conditions=Conditions(RUN, 1, "0.1.0", readiness_seconds=readiness_seconds, redactor=redactor),
            budgets=budgets,
            progress=progress,
        )
        with harness_log(folder, clock, redactor), announcements(progress.line):
            return await around(found)

    return run_virtual(main()), shown.getvalue()


def facts(folder: Path, scenario: str) -> list[tuple[float, str]]:
    """(t, kind) of all facts of a recording."""
    return [(fact.t, fact.kind.value) for fact in Recording(folder / "recording" / scenario).facts()]
