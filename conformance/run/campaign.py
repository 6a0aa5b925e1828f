"""All scenarios of a run on one cluster, side by side under a budget, ending in a folder that can be judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from conformance.base import gc_tuning
from conformance.base.clock import Clock, RealClock
from conformance.base.errors import ConformanceError, PlatformError
from conformance.base.locations import FIXTURES
from conformance.base.tasks import tasks
from conformance.catalogue.scenario import Scenario
from conformance.kube.cluster import Cluster, Installation, Provider
from conformance.kube.retrying_client import RetryingClient
from conformance.load.generator import Generator
from conformance.observe import controllers
from conformance.recording.redaction import Redactor
from conformance.recording.run_record import Run, ScenarioRun
from conformance.run import deployment
from conformance.run.budget import Admission
from conformance.run.progress import Progress
from conformance.run.progress_event import Tell
from conformance.run.scenario_run import Conditions, run_scenario

STAGGER_SECONDS: Final = 1.0
"""Between scenarios that start together: forty deployments, and then forty loads, at once would keep a small machine
from watching any of them. The longest start first, so that this costs next to nothing."""


class Campaign:
    """One run. `run` may be cancelled at any time: what was created is deleted and what was recorded is kept."""

    def __init__(
        self,
        draft: Run,
        folder: Path,
        provider: Provider,
        scenarios: Sequence[Scenario],
        admission: Admission,
        clock: Clock,
        generator: Callable[[Cluster], Generator],
        audience: Progress,
        conditions: Conditions,
    ) -> None:
        self.folder = folder
        self.cluster_error: ConformanceError | None = None
        self.interrupted = False
        self._draft = draft
        self._provider = provider
        self._scenarios = tuple(scenarios)
        self._admission = admission
        self._clock = clock
        self._generator = generator
        self._audience = audience
        self._redactor = conditions.redactor or Redactor()
        self._conditions = replace(conditions, redactor=self._redactor)
        self._done: dict[str, ScenarioRun] = {}
        self._environment: Mapping[str, Any] = draft.environment
        self._leftovers: tuple[str, ...] = ()

    async def run(self) -> Run:
        """Open the cluster, run every scenario, close it; always leaves run.json behind."""
        with gc_tuning.rarely() if isinstance(self._clock, RealClock) else nullcontext():
            return await self._run()

    async def _run(self) -> Run:
        self._audience.start(self._scenarios)
        try:
            async with self._provider.open() as opened:
                cluster = replace(
                    opened,
                    api=RetryingClient(opened.api, self._clock),
                    api_verified=bool(getattr(opened.api, "verifies", True)),
                )
                self._environment = environment(cluster.installation)
                self._learn(cluster, str(getattr(opened.api, "server", "")))
                for note in cluster.notes:
                    self._audience.line(note)
                for name in await deployment.sweep(cluster.api, self._clock.wall()):
                    self._audience.line(f"removed {name}, left over by a run that was killed")
                try:
                    await self._all(cluster)
                    await controllers.read(cluster.api, self.folder, self._redactor)
                finally:
                    await self._tidy(cluster)
        except ConformanceError as error:
            self.cluster_error = error
            self._audience.line(f"error: {error}")
        except asyncio.CancelledError:
            self.interrupted = True
        return self._close()

    def interrupt(self) -> None:
        """Say that the user wants out; the caller cancels `run`."""
        self.interrupted = True
        self._audience.line("interrupted: cleaning up; once more leaves at once")

    def _learn(self, cluster: Cluster, server: str) -> None:
        """Names of the site that no recording may hold."""
        for node in cluster.installation.nodes:
            self._redactor.learn("node", node.name)
        self._redactor.learn("domain", cluster.installation.domain)
        for kind, url in (("api", server), ("ingress", f"//{cluster.ingress.address}")):
            if host := urlsplit(url).hostname:
                self._redactor.learn(kind, host)

    async def _all(self, cluster: Cluster) -> None:
        generator = self._generator(cluster)
        async with tasks() as group:
            for number, scenario in enumerate(self._scenarios):
                one = self._one(cluster, scenario, generator, number * STAGGER_SECONDS)
                group.create_task(one, name=scenario.name)

    async def _one(self, cluster: Cluster, scenario: Scenario, generator: Generator, after_seconds: float) -> None:
        await self._clock.sleep(after_seconds)
        async with self._admission.admit(scenario):
            copy_example(scenario, self.folder)
            tell: Tell = partial(self._audience.update, scenario.name)
            done = await run_scenario(cluster, scenario, self.folder, self._conditions, generator, tell)
        self._done[scenario.name] = done
        self._audience.finish(scenario.name, done.outcome)

    async def _tidy(self, cluster: Cluster) -> None:
        """Delete whatever this run still has on the cluster and wait for it to vanish; what stays is reported."""
        prefix, within = self._conditions.namespace_prefix, self._conditions.deletion_seconds
        names = [deployment.namespace_name(self._draft.id, scenario.name, prefix) for scenario in self._scenarios]
        left = []
        for name in names:
            try:
                there = await deployment.remove(cluster.api, name, self._draft.id) and not cluster.disposable
                if there and not await deployment.gone(cluster.api, name, self._clock, within):
                    left.append(name)
            except PlatformError:
                if not cluster.disposable:
                    left += names[len(left) :]
                break
        self._leftovers = tuple(left)
        for name in left:
            self._audience.line(f"left over on the cluster: namespace {name}")

    def _close(self) -> Run:
        found = tuple(self._done.get(scenario.name) or self._missing(scenario) for scenario in self._scenarios)
        runs = tuple(replace(entry, reason=self._redactor.text(entry.reason)) for entry in found)
        run = replace(
            self._draft,
            environment=self._environment,
            finished_wall=self._clock.wall(),
            scenarios=runs,
            leftovers=self._leftovers,
        )
        run.write(self.folder)
        return run

    def _missing(self, scenario: Scenario) -> ScenarioRun:
        place = f"recording/{scenario.name}"
        recorded = (self.folder / place / "recording.json").is_file()
        reason = str(self.cluster_error) if self.cluster_error else "the run was interrupted"
        now = self._clock.wall()
        outcome = "failed" if self.cluster_error else "interrupted"
        return ScenarioRun(scenario.name, outcome, reason, self._draft.started_wall, now, place if recorded else "")


def copy_example(scenario: Scenario, folder: Path) -> None:
    """Keep the manifest's own bytes beside the recording."""
    place = folder / "examples" / scenario.name
    place.mkdir(parents=True, exist_ok=True)
    for name in {scenario.manifest, *(step.manifest for step in scenario.steps)} - {""}:
        source = FIXTURES / name
        (place / source.name).write_bytes(source.read_bytes())


def environment(installation: Installation) -> dict[str, Any]:
    """The report's environment block, nodes of one shape counted together."""
    shapes: dict[tuple[float, float, int], int] = {}
    for node in installation.nodes:
        shape = (node.cpu, round(node.memory_gib, 1), node.accelerators)
        shapes[shape] = shapes.get(shape, 0) + 1
    nodes = [
        {"count": count, "cpu": cpu, "memoryGiB": memory, **({"accelerators": number} if number else {})}
        for (cpu, memory, number), count in sorted(shapes.items())
    ]
    total = sum(node.accelerators for node in installation.nodes)
    accelerator: dict[str, Any] = {"kind": installation.accelerator_kind}
    if installation.accelerator_kind != "none":
        accelerator |= {"resource": installation.accelerator_resource, "count": total}
        if installation.accelerator_model:
            accelerator["model"] = installation.accelerator_model
    serving = {
        "kserve": installation.kserve,
        **({"knative": installation.knative} if installation.knative else {}),
        "autoscaler": installation.autoscaler,
        "networkLayer": installation.network_layer,
    }
    return {
        "kubernetes": {"version": installation.kubernetes, "distribution": installation.distribution},
        "serving": serving,
        "accelerator": accelerator,
        "nodes": nodes or [{"count": 1, "cpu": 0, "memoryGiB": 0}],
    }


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Store all settings, not only those that differ."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text(yaml.safe_dump(dict(settings), sort_keys=True), encoding="utf-8")
