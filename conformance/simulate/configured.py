"""`python -m conformance.simulate.configured`: honest embedded platforms under settings of config-autoscaler.

Each run is one scenario of the catalogue in virtual time, on a cluster with legitimate settings of its own: each value
of each key alone, or some keys drawn at random. Every requirement that fits the recording judges it, and none may fail.
The study (`conformance.simulate.study --configured`) does so with another platform, quicker and without requests.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import numpy as np

from conformance.base.errors import ConformanceError, UsageError, nearest
from conformance.catalogue.scenario import scenarios
from conformance.judge.judgement import Verdict
from conformance.simulate.rule_matrix import failing
from conformance.simulate.study.drawn_settings import drawn, one_by_one

HEAVY_RPS: Final = 100.0
"""Scenarios with more requests a second are left out unless asked for: they take as long as ten others."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A scenario on a cluster with these keys of config-autoscaler."""

    scenario: str
    autoscaler: Mapping[str, str]
    seed: int


def exercising() -> tuple[str, ...]:
    """Scenarios with a load that a Knative service answers, but for the heaviest."""
    return tuple(
        name
        for name, each in scenarios().items()
        if each.mode == "Knative" and 0.0 < each.budget.load <= HEAVY_RPS and any(step.plan for step in each.steps)
    )


def plan(runs: int, seed: int, chosen: Sequence[str], each: bool) -> tuple[Configured, ...]:
    """What to run: settings in turn on the scenarios in turn, each value alone or drawn by consecutive seeds."""
    alone = one_by_one()
    found = []
    for number in range(seed, seed + runs):
        settings = alone[number % len(alone)] if each else drawn(np.random.default_rng(number))
        # Consecutive seeds meet another scenario each time that the settings come round.
        turn = number + number // len(alone) if each else number
        found.append(Configured(chosen[turn % len(chosen)], settings, number))
    return tuple(found)


def accused(what: Configured) -> tuple[str, ...]:
    """Requirements that fail, or cannot be judged for an error; what goes wrong inside is told, not raised."""
    with tempfile.TemporaryDirectory(prefix="conformance-configured-") as place:
        try:
            return failing(what.scenario, Path(place) / "run", what.seed, None, what.autoscaler, (Verdict.ERROR,))
        except (ConformanceError, RuntimeError) as error:
            return (f"{type(error).__name__}: {error}",)


def run(chosen: Sequence[Configured], workers: int) -> Iterator[tuple[Configured, tuple[str, ...]]]:
    """Run them in processes; outcomes come as they are done."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        futures = {pool.submit(accused, each): each for each in chosen}
        for future in as_completed(futures):
            yield futures[future], future.result()


@click.command()
@click.option("--runs", default=100, show_default=True, help="Recordings to make and judge.")
@click.option("--seed", default=0, show_default=True, help="Seed of the first run; each further run takes the next.")
@click.option("--each", is_flag=True, help="Every value of every key alone, in turn, instead of drawn combinations.")
@click.option("--scenario", "names", multiple=True, help="Scenarios to take in turn; all with a load by default.")
@click.option("--workers", default=1, show_default=True, help="Processes.")
def main(runs: int, seed: int, each: bool, names: tuple[str, ...], workers: int) -> None:
    """Judge honest embedded platforms under settings of config-autoscaler that Knative accepts."""
    for name in names:
        if name not in scenarios():
            raise UsageError(f"scenario {name!r}; {nearest(name, scenarios())}")
    bad = 0
    for what, found in run(plan(runs, seed, names or exercising(), each), workers):
        if found:
            bad += 1
            click.echo(f"accused: {what.scenario}, seed {what.seed}, {dict(what.autoscaler)}: {' '.join(found)}")
    click.echo(f"{runs} configured runs, seeds from {seed} on: {bad} accused")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
