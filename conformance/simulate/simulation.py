"""One scenario on the embedded platform in virtual time: deterministic, no socket, seconds of processor time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from conformance.base.clock import VIRTUAL_EPOCH_SECONDS, run_virtual, virtual_clock
from conformance.catalogue.requirement import PROFILES
from conformance.catalogue.scenario import Scenario
from conformance.kube.resources import CONFIG_MAPS
from conformance.kube.verbs import merge
from conformance.recording.run_record import Implementation, Run, ScenarioRun
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.progress_event import ProgressEvent
from conformance.run.run_environment import environment
from conformance.run.scenario_run import run_scenario
from conformance.settings.providers import provider
from conformance.settings.settings import Settings

RUN: Final = "rehearsal"
HEAVY_RPS: Final = 300.0
HEAVY_SECONDS: Final = 10.0
_MAKER: Final = Implementation("serving-conformance", "embedded", "https://example.org", "0", ("none",))


def simulate_scenario(
    scenario: Scenario,
    folder: Path,
    seed: int = 1,
    fault: str | None = None,
    autoscaler: Mapping[str, str] | None = None,
) -> Run:
    """Run one scenario on a platform of its own and leave a run folder that can be judged. `autoscaler` holds keys of
    config-autoscaler that are set before; raises ApiStatus for values that Knative refuses."""
    done, surroundings = run_virtual(_rehearse(scenario, folder, seed, fault, autoscaler or {}))
    run = Run(
        id=RUN,
        command="conformance faults --run",
        seed=seed,
        clock="virtual",
        provider="embedded",
        started_wall=VIRTUAL_EPOCH_SECONDS,
        finished_wall=done.finished_wall,
        suite_version=RUN,
        source_digest="",
        implementation=_MAKER,
        environment=surroundings,
        settings={},
        profiles=tuple(name for name in PROFILES if name != "gpu-real"),
        features=(),
        selected=(scenario.name,),
        fault=fault,
        scenarios=(done,),
    )
    run.write(folder)
    return run


async def _rehearse(
    scenario: Scenario, folder: Path, seed: int, fault: str | None, autoscaler: Mapping[str, str]
) -> tuple[ScenarioRun, dict[str, Any]]:
    clock = virtual_clock()
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(clock="virtual", seed=seed, fault=fault)
    async with provider(settings, clock).open() as cluster:
        assert cluster.ingress.handler is not None
        if autoscaler:
            patch = {"data": dict(autoscaler)}
            await merge(cluster.api, CONFIG_MAPS, "knative-serving", "config-autoscaler", patch)
        generator = InProcessGenerator(cluster.ingress.handler, clock)
        context = ScenarioContext(cluster, scenario, folder, Conditions(RUN, seed, RUN), generator, _silent)
        done = await run_scenario(context)
        return done, environment(cluster.installation)


def _silent(_: ProgressEvent) -> None:
    return


def shortened(scenario: Scenario) -> Scenario:
    """A heavy load cut to its first seconds: all that a rehearsal learns from it comes with the surge."""
    if scenario.budget.load < HEAVY_RPS:
        return scenario
    steps = []
    for step in scenario.steps:
        plan = step.plan
        if plan is not None:
            phases = tuple(replace(phase, seconds=min(phase.seconds, HEAVY_SECONDS)) for phase in plan.phases)
            plan = replace(plan, phases=phases)
        steps.append(replace(step, plan=plan))
    return replace(scenario, steps=tuple(steps))
