"""The one way through: plan, campaign, judge, report, exit code; each step hands one value to the next."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from conformance.base.announcements import announcements
from conformance.base.clock import RealClock, VirtualLoop, virtual_clock
from conformance.base.errors import Exit
from conformance.catalogue.own_catalogue import keep
from conformance.judge.history import History
from conformance.judge.judged_run import JudgedRun, store
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.judging import judge_run, judge_scenario
from conformance.judge.results import exit_code
from conformance.kube.cluster import Cluster
from conformance.load.generator import Generator
from conformance.recording.run_record import Run, ScenarioRun
from conformance.run.campaign import Campaign, Recorded
from conformance.run.context import conditions
from conformance.run.control import Control
from conformance.run.generators.generator_choice import choose_generator
from conformance.run.harness_log import harness_log
from conformance.run.plan import RunPlan
from conformance.run.progress import Progress
from conformance.run.reporting import report
from conformance.run.run_draft import draft, make_folder
from conformance.run.run_lines import log_head, log_verdicts
from conformance.settings.providers import check_fault, provider


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """A finished run: recorded, judged, reported."""

    plan: RunPlan
    recorded: Recorded
    judgements: tuple[Judgement, ...]
    """Of the plan's requirements, in order of id."""
    histories: Mapping[str, History]
    """Parsed recordings by the scenario's name; those that cannot be read are missing."""

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.recorded.folder

    @property
    def exit_code(self) -> int:
        """What `conformance run` ends with."""
        if self.recorded.interrupted:
            return Exit.INTERRUPTED
        if self.recorded.error is not None and not self.recorded.anything:
            return self.recorded.error.exit_code
        return exit_code(self.judgements)


def execute(plan: RunPlan, progress: Progress, *, verbose: bool = False) -> RunOutcome:
    """Record the plan's scenarios, judge them, write the reports. Raises UsageError for an unknown fault and when
    there is nowhere to write."""
    check_fault(plan.settings.cluster, plan.settings.fault)
    folder = make_folder(plan.settings)
    if plan.own:
        keep(plan.own, folder)
    factory = VirtualLoop if plan.settings.clock == "virtual" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        outcome, judged = runner.run(_record(plan, folder, progress, verbose))
    store(judged)
    report(judged)
    return outcome


async def _record(plan: RunPlan, folder: Path, progress: Progress, verbose: bool) -> tuple[RunOutcome, JudgedRun]:
    """Run the plan's scenarios on its cluster and judge what they recorded. The log ends with the verdicts: the reports
    list it."""
    settings = plan.settings
    clock = virtual_clock() if settings.clock == "virtual" else RealClock()
    known = draft(plan, folder.name)
    shared = conditions(settings, known)
    assert shared.redactor is not None

    def generator(cluster: Cluster) -> Generator:
        return choose_generator(settings, cluster, clock)

    campaign = Campaign(
        known,
        folder,
        plan.scenarios,
        provider(settings, clock),
        generator,
        clock=clock,
        conditions=shared,
        budgets=settings.budgets,
        progress=progress,
        control=Control(settings.fail_fast, settings.keep_namespaces, partial(_failures, plan, known, folder)),
    )
    shown = progress.line if verbose else None
    with harness_log(folder, clock, shared.redactor, shown), announcements(progress.line):
        log_head(plan, known)
        running = asyncio.create_task(campaign.run())
        with _interruptible(running, campaign.interrupt):
            early = None if settings.clock == "virtual" else await _judged_meanwhile(campaign, running, folder)
            recorded = await running
        judged = replace(early or judge_run(folder), run=recorded.run)
        judgements = tuple(judged.by_id[entry.id] for entry in plan.requirements)
        outcome = RunOutcome(plan, recorded, judgements, judged.histories)
        log_verdicts(plan, judgements, outcome.exit_code, folder)
    return outcome, judged


async def _failures(plan: RunPlan, known: Run, folder: Path, done: ScenarioRun) -> tuple[str, ...]:
    """Requirements of the plan that one scenario's recording fails."""

    def judge() -> tuple[str, ...]:
        judged = judge_scenario(folder, replace(known, scenarios=(done,), selected=(done.name,)))
        wanted = {entry.id for entry in plan.requirements}
        failed = [entry.requirement for entry in judged.judgements if entry.verdict is Verdict.FAIL]
        return tuple(name for name in failed if name in wanted)

    return judge() if known.clock == "virtual" else await asyncio.to_thread(judge)


async def _judged_meanwhile(campaign: Campaign, running: asyncio.Task[Recorded], folder: Path) -> JudgedRun | None:
    """Judge in a thread while the cluster takes its time to delete; None where the run did not come to its own end."""
    over = asyncio.create_task(campaign.recorded.wait())
    await asyncio.wait((running, over), return_when=asyncio.FIRST_COMPLETED)
    if over.done():
        return await asyncio.to_thread(judge_run, folder)
    over.cancel()
    return None


@contextmanager
def _interruptible(running: asyncio.Task[Recorded], interrupt: Callable[[], None]) -> Iterator[None]:
    """First Ctrl-C or TERM: stop, clean up, judge what there is. Second: leave at once. A thread beside the main one
    hears no signal: there that is up to whoever started it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked or running.done():
            os._exit(Exit.INTERRUPTED)
        asked = True
        interrupt()
        running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
