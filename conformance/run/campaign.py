"""All scenarios of a run on one cluster, side by side under a budget, ending in a folder that can be judged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from conformance.base import gc_tuning
from conformance.base.announcements import announce
from conformance.base.clock import Clock, RealClock
from conformance.base.errors import ConformanceError, HarnessError
from conformance.base.tasks import tasks
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster, Provider
from conformance.kube.retrying_client import RetryingClient
from conformance.load.generator import Generator
from conformance.observe import controllers
from conformance.recording.redaction import Redactor
from conformance.recording.run_record import Run, ScenarioRun
from conformance.run import deployment
from conformance.run.budget import Admission
from conformance.run.capacity import machine
from conformance.run.capacity.run_fit import fit_run
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.control import Control
from conformance.run.progress import Progress
from conformance.run.progress_event import ProgressEvent
from conformance.run.run_environment import environment
from conformance.run.run_lines import log_cluster
from conformance.run.scenario_run import run_scenario
from conformance.run.teardown import Teardown, tearing_down
from conformance.settings.settings import Budgets

logger = logging.getLogger(__name__)

STAGGER_SECONDS: Final = 1.0
"""Between scenarios that start together: forty deployments, and then forty loads, at once would keep a small machine
from watching any of them. The longest start first, so that this costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a campaign leaves behind: a run folder, and how it came to its end."""

    folder: Path
    run: Run
    """As stored in the folder's run.json."""
    interrupted: bool = False
    error: ConformanceError | None = None
    """Why the cluster could not be had, or was lost."""

    @property
    def anything(self) -> bool:
        """Whether any fact was recorded."""
        return any((self.folder / "recording").glob("*/facts.jsonl"))


class _Stopped(Exception):  # noqa: N818 - nothing went wrong with the run itself
    """A scenario failed, and the run is to end with it."""


class Campaign:
    """One run. `run` may be cancelled at any time: what was created is deleted and what was recorded is kept."""

    def __init__(
        self,
        draft: Run,
        folder: Path,
        scenarios: Sequence[Scenario],
        provider: Provider,
        generator: Callable[[Cluster], Generator],
        *,
        clock: Clock,
        conditions: Conditions,
        budgets: Budgets,
        progress: Progress,
        control: Control | None = None,
    ) -> None:
        """`draft` holds what is known of the run before it starts; `scenarios` ask for a place in this order."""
        self.interrupted = False
        self.recorded = asyncio.Event()
        """Set once every scenario has come to its own end and stands in run.json, while what they made goes away. Never
        set in a run that is interrupted or loses its cluster."""
        self._finished_wall: float | None = None
        self._draft = draft
        self._folder = folder
        self._scenarios = tuple(scenarios)
        self._provider = provider
        self._generator = generator
        self._clock = clock
        self._redactor = conditions.redactor or Redactor()
        self._conditions = replace(conditions, redactor=self._redactor)
        self._budgets = budgets
        self._admission = Admission(budgets)
        self._progress = progress
        self._control = control or Control()
        self._stopped = ""
        self._kept: list[str] = []
        self._done: dict[str, ScenarioRun] = {}
        self._error: ConformanceError | None = None

    async def run(self) -> Recorded:
        """Open the cluster, run every scenario, close it; always leaves run.json behind."""
        with gc_tuning.rarely() if isinstance(self._clock, RealClock) else nullcontext():
            return await self._run()

    async def _run(self) -> Recorded:
        self._progress.start(self._scenarios)
        try:
            async with self._provider.open() as opened:
                cluster = replace(
                    opened,
                    api=RetryingClient(opened.api, self._clock),
                    api_verified=bool(getattr(opened.api, "verifies", True)),
                )
                self._draft = replace(self._draft, environment=environment(cluster.installation))
                self._learn_names(cluster, str(getattr(opened.api, "server", "")))
                log_cluster(cluster)
                for note in cluster.notes:
                    announce(note)
                for name in await deployment.sweep(cluster.api, self._clock.wall()):
                    announce(f"removed {name}, left over by a run that was killed")
                async with tearing_down(cluster, self._draft.id) as teardown:
                    try:
                        await self._fit(cluster, teardown)
                        await self._all(cluster, teardown)
                        await controllers.read(cluster.api, self._folder, self._redactor)
                        self._write()
                        self.recorded.set()
                    finally:
                        await self._take_down(teardown)
        except ConformanceError as error:
            self._error = error
            if isinstance(error, HarnessError):
                logger.error("the suite's own fault", exc_info=error)
            announce(f"error: {error}", logging.ERROR)
        except asyncio.CancelledError:
            self.interrupted = True
        return Recorded(self._folder, self._write(), self.interrupted, self._error)

    def interrupt(self) -> None:
        """Say that the user wants out; the caller cancels `run`."""
        self.interrupted = True
        announce("interrupted: cleaning up; once more leaves at once")

    def _learn_names(self, cluster: Cluster, server: str) -> None:
        """Names of the site that no recording may hold."""
        for node in cluster.installation.nodes:
            self._redactor.learn("node", node.name)
        self._redactor.learn("domain", cluster.installation.domain)
        for kind, url in (("api", server), ("ingress", f"//{cluster.ingress.address}")):
            if host := urlsplit(url).hostname:
                self._redactor.learn(kind, host)

    async def _fit(self, cluster: Cluster, teardown: Teardown) -> None:
        """Leave out what the cluster has no room for, and run no more side by side than it carries."""
        found = await fit_run(cluster, self._scenarios, self._budgets, self._conditions, teardown)
        self._admission = Admission(found.budgets)
        for note in found.notes:
            announce(note)
        now = self._clock.wall()
        not_ours = _not_ours(cluster, self._scenarios)
        for name, reason in {**found.left_out, **not_ours}.items():
            announce(f"left out: {name}: {reason}")
            outcome = "not-ours" if name in not_ours else "skipped"
            self._done[name] = ScenarioRun(name, outcome, reason, now, now, "")
            self._progress.finish(name, outcome)

    async def _all(self, cluster: Cluster, teardown: Teardown) -> None:
        generator = self._generator(cluster)
        with suppress(_Stopped):
            await self._side_by_side(cluster, generator, teardown)

    async def _side_by_side(self, cluster: Cluster, generator: Generator, teardown: Teardown) -> None:
        async with tasks() as group, machine.watched(self._clock, announce):
            for number, scenario in enumerate(entry for entry in self._scenarios if entry.name not in self._done):
                one = self._one(cluster, scenario, generator, number * STAGGER_SECONDS, teardown)
                group.create_task(one, name=scenario.name)

    async def _one(
        self, cluster: Cluster, scenario: Scenario, generator: Generator, after_seconds: float, teardown: Teardown
    ) -> None:
        await self._clock.sleep(after_seconds)

        def tell(event: ProgressEvent) -> None:
            self._progress.update(scenario.name, event)

        async with self._admission.admit(scenario):
            copy_example(scenario, self._folder)
            context = ScenarioContext(cluster, scenario, self._folder, self._conditions, generator, tell)
            kept = False
            try:
                done = await run_scenario(context)
                self._done[scenario.name] = done
                failed = await self._failed(done)
                kept = self._control.keeps(failed) and await self._keep(cluster, context.namespace)
            finally:
                if not (scenario.running or kept):
                    teardown.begin(context.namespace)
        self._progress.finish(scenario.name, done.outcome)
        if failed:
            announce(f"{scenario.name}: {failed}", logging.WARNING)
            if self._control.fail_fast:
                self._stopped = f"stopped by --fail-fast: {scenario.name}: {failed}"
                raise _Stopped

    async def _failed(self, done: ScenarioRun) -> str:
        """What went wrong in a scenario, in words; empty where nothing did, or nobody wants to know yet."""
        if done.outcome != "complete":
            return f"{done.reason or done.outcome}; what needs the rest of it stays undecided"
        names = await self._control.failures(done) if self._control.asks else ()
        return f"FAIL {', '.join(names)}" if names else ""

    async def _keep(self, cluster: Cluster, namespace: str) -> bool:
        """Leave a namespace to its user; False where there is none, or the cluster ends with the run."""
        if cluster.disposable or not await deployment.keep(cluster.api, namespace, self._draft.id):
            return False
        announce(f"namespace {namespace} is kept; when you have seen it: kubectl delete namespace {namespace}")
        self._kept.append(namespace)
        return True

    async def _take_down(self, teardown: Teardown) -> None:
        """Wait for what this run made to vanish; what stays is reported."""
        try:
            await teardown.finish(self._conditions.deletion_seconds)
        finally:
            self._draft = replace(self._draft, leftovers=(*self._kept, *teardown.left))
            for name in teardown.left:
                announce(f"left over on the cluster: namespace {name}; its deletion has been asked for")

    def _write(self) -> Run:
        """Leave run.json as things stand."""
        found = tuple(self._done.get(scenario.name) or self._missing(scenario) for scenario in self._scenarios)
        runs = tuple(replace(entry, reason=self._redactor.text(entry.reason)) for entry in found)
        if self._finished_wall is None:
            self._finished_wall = self._clock.wall()
        run = replace(self._draft, finished_wall=self._finished_wall, scenarios=runs)
        run.write(self._folder)
        return run

    def _missing(self, scenario: Scenario) -> ScenarioRun:
        place = f"recording/{scenario.name}"
        recorded = (self._folder / place / "recording.json").is_file()
        reason = str(self._error) if self._error else self._stopped or "the run was interrupted"
        now = self._clock.wall()
        outcome = "failed" if self._error else "interrupted"
        return ScenarioRun(scenario.name, outcome, reason, self._draft.started_wall, now, place if recorded else "")


def _not_ours(cluster: Cluster, scenarios: Sequence[Scenario]) -> dict[str, str]:
    """Scenarios that take away what others on this cluster may need, with the reason why they are left out."""
    if cluster.owned:
        return {}
    reason = "it takes the metrics API away for a minute, which the suite does on clusters of its own only"
    return {scenario.name: reason for scenario in scenarios if scenario.alone}


def copy_example(scenario: Scenario, folder: Path) -> None:
    """Keep the manifest's own bytes beside the recording."""
    place = folder / "examples" / scenario.name
    place.mkdir(parents=True, exist_ok=True)
    for name in {scenario.manifest, *(step.manifest for step in scenario.steps)} - {""}:
        (place / name.rpartition("/")[2]).write_bytes(scenario.content(name))
