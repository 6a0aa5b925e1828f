"""One scenario on the embedded platform in virtual time: deterministic, no socket, seconds of processor time."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from conformance.campaign import environment
from conformance.clock import VIRTUAL_EPOCH_SECONDS, run_virtual, virtual_clock
from conformance.load.inprocess import InProcessGenerator
from conformance.requirement import PROFILES
from conformance.run import Implementation, Run, ScenarioRun
from conformance.runner import Conditions, run_scenario
from conformance.scenario import Scenario

RUN: Final = "rehearsal"
_MAKER: Final = Implementation("serving-conformance", "embedded", "https://example.org", "0", ("none",))


def rehearse(scenario: Scenario, folder: Path, seed: int = 1, fault: str | None = None) -> Run:
    """Run one scenario on a platform of its own and leave a run folder that can be judged."""
    done, surroundings = run_virtual(_rehearse(scenario, folder, seed, fault))
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
    scenario: Scenario, folder: Path, seed: int, fault: str | None
) -> tuple[ScenarioRun, dict[str, Any]]:
    from clusters.embedded.provider import EmbeddedProvider

    clock = virtual_clock()
    folder.mkdir(parents=True, exist_ok=True)
    async with EmbeddedProvider(clock=clock, seed=seed, fault=fault).open() as cluster:
        assert cluster.ingress.handler is not None
        generator = InProcessGenerator(cluster.ingress.handler, clock)
        done = await run_scenario(cluster, scenario, folder, Conditions(RUN, seed, RUN), generator, _silent)
        return done, environment(cluster.installation)


def _silent(**_: Any) -> None:
    return


def describe(scenario: Scenario) -> dict[str, Any]:
    """Plain data of a scenario."""
    return asdict(scenario)
