"""Rule by operator: every derived fault in virtual time, and which requirement sees it.

A mutant is run on the scenarios that exercise its rule and judged by every requirement that is made for them or that
their recordings fit. It is caught where one fails; where none does, a user cannot see it, for a reason, or it survived.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from conformance.base.errors import ConformanceError
from conformance.catalogue.scenario import scenarios
from conformance.judge import elsewhere
from conformance.judge.checks import REGISTRY
from conformance.judge.judged_run import read_histories
from conformance.judge.judgement import Verdict
from conformance.judge.judging import looked_at
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.settings.providers import Mutation
from conformance.simulate.simulation import shortened, simulate_scenario


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of one mutant."""

    mutation: Mutation
    caught: tuple[str, ...]
    """Requirements that fail on it."""
    trouble: str = ""
    """Why it could not be run."""

    @property
    def survived(self) -> bool:
        """Whether a user sees it and no requirement does."""
        return not self.caught and not self.mutation.invisible

    def text(self) -> str:
        """What the matrix says of it."""
        if self.caught:
            return f"caught by {' '.join(self.caught)}"
        if self.mutation.invisible:
            return f"not visible: {self.mutation.invisible}"
        return f"SURVIVED {self.trouble}".rstrip()


def run(chosen: Sequence[Mutation], workers: int | None = None) -> Iterator[Cell]:
    """Run mutants side by side; cells come as they are done."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers or os.cpu_count() or 1, mp_context=context) as pool:
        for future in as_completed([pool.submit(attempt, each) for each in chosen]):
            yield future.result()


def attempt(mutation: Mutation, seed: int = 1) -> Cell:
    """Run a mutant on its scenarios until a requirement fails. What goes wrong inside is told, not raised."""
    trouble = ""
    for name in mutation.scenarios:
        with tempfile.TemporaryDirectory(prefix="conformance-mutant-") as place:
            try:
                caught = failing(name, Path(place) / "run", seed, mutation.name, mutation.autoscaler)
            except (ConformanceError, RuntimeError) as error:
                caught, trouble = (), f"{type(error).__name__}: {error}"
        if caught:
            return Cell(mutation, caught)
    return Cell(mutation, (), trouble)


def failing(
    name: str, folder: Path, seed: int, fault: str | None, autoscaler: Mapping[str, str], also: tuple[Verdict, ...] = ()
) -> tuple[str, ...]:
    """Requirements that fail on a scenario's recording, whatever scenario they were made for; those with a verdict of
    `also` too. Raises ConformanceError, or RuntimeError for a platform that came to no end."""
    run = simulate_scenario(shortened(scenarios()[name]), folder, seed, fault, autoscaler)
    histories, _ = read_histories(folder, run)
    context = Context(profiles=run.profiles, accelerator="emulated")
    found = []
    for requirement in catalogue():
        check = REGISTRY.checks.get(requirement.check or "")
        mine = requirement.scenario == name or list(elsewhere.fitting(requirement, check, histories.values()))
        if check is not None and mine and requirement.profile != "gpu-real":
            verdict = looked_at(histories[name], requirement, context).verdict
            found += [requirement.id] if verdict in (Verdict.FAIL, *also) else []
    return tuple(found)


def table(cells: Iterable[Cell]) -> tuple[str, ...]:
    """The matrix, a line for each mutant, by rule."""
    rules: dict[str, list[Cell]] = {}
    for cell in cells:
        rules.setdefault(cell.mutation.rule, []).append(cell)
    return tuple(
        f"{rule:<36} {cell.mutation.operator:<18} {cell.text()}"
        for rule in sorted(rules)
        for cell in sorted(rules[rule], key=lambda each: each.mutation.operator)
    )
