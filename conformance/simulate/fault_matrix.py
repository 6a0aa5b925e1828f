"""Which requirement catches which broken platform: every fault against the requirements that name it, in virtual time.

A pair of fault and scenario is one rehearsal in a worker process; a fault is caught when each requirement that names it
fails on it. The honest platform runs each scenario too and must not fail any requirement.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from conformance.catalogue.requirement import Requirement
from conformance.judge.requirements import catalogue


@dataclass(frozen=True, slots=True)
class Trial:
    """One scenario on one platform."""

    scenario: str
    fault: str | None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the requirements of a scenario were judged."""

    trial: Trial
    verdicts: Mapping[str, str]
    """By requirement."""
    nearest: Mapping[str, str]
    """The fault that the judge names for a failed requirement."""
    trouble: str = ""


def named(requirements: Sequence[Requirement]) -> dict[str, list[Requirement]]:
    """Requirements by the faults they name."""
    found: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        for fault in requirement.faults:
            if requirement.scenario and requirement.profile != "gpu-real":
                found.setdefault(fault, []).append(requirement)
    return found


def trials(faults: Sequence[str], honest: bool = True) -> tuple[Trial, ...]:
    """What to run for these faults, the honest platform's runs first; the dear scenarios before the cheap ones."""
    from conformance.catalogue.scenario import scenarios

    naming = named(catalogue())
    pairs = {(requirement.scenario or "", fault) for fault in faults for requirement in naming.get(fault, ())}
    found = [Trial(scenario, fault) for scenario, fault in pairs]
    if honest:
        found += [Trial(scenario, None) for scenario in {scenario for scenario, _ in pairs}]
    lengths = {name: entry.seconds * (1.0 + entry.budget.load / 50.0) for name, entry in scenarios().items()}
    return tuple(sorted(found, key=lambda each: (-lengths[each.scenario], each.scenario, each.fault or "")))


def run(chosen: Sequence[Trial], workers: int | None = None) -> Iterator[Outcome]:
    """Run trials side by side; outcomes come as they are done."""
    count = workers or os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=count, mp_context=context) as pool:
        futures = [pool.submit(attempt, trial) for trial in chosen]
        for future in as_completed(futures):
            yield future.result()


def attempt(trial: Trial) -> Outcome:
    """One rehearsal, judged. What goes wrong inside is told, not raised."""
    from conformance.base.errors import ConformanceError
    from conformance.catalogue.scenario import scenarios
    from conformance.judge.judging import judge_run
    from conformance.simulate.simulation import shortened, simulate_scenario

    with tempfile.TemporaryDirectory(prefix="conformance-fault-") as name:
        folder = Path(name) / "run"
        try:
            simulate_scenario(shortened(scenarios()[trial.scenario]), folder, trial.seed, trial.fault)
        except (ConformanceError, RuntimeError) as error:
            return Outcome(trial, {}, {}, f"{type(error).__name__}: {error}")
        judged = [entry for entry in judge_run(folder).judgements if entry.scenario == trial.scenario]
    return Outcome(
        trial,
        {entry.requirement: entry.verdict.value for entry in judged if entry.verdict.value != "SKIPPED"},
        {entry.requirement: entry.consistent_with.faults[0] for entry in judged if entry.consistent_with},
    )


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row of the matrix."""

    fault: str
    caught: tuple[str, ...]
    """Requirements that name the fault and fail on it."""
    missed: tuple[str, ...]
    """Requirements that name it and do not fail, with their verdict."""
    others: tuple[str, ...]
    """Requirements that fail on it without naming it."""
    nearest: str = ""

    @property
    def ok(self) -> bool:
        """Whether the fault is caught by all that name it, and by one at least."""
        return bool(self.caught) and not self.missed


def matrix(faults: Sequence[str], outcomes: Sequence[Outcome]) -> tuple[MatrixRow, ...]:
    """Outcomes by fault, in the order of the faults."""
    naming = named(catalogue())
    found = []
    for fault in faults:
        mine = [outcome for outcome in outcomes if outcome.trial.fault == fault]
        verdicts = {key: value for outcome in mine for key, value in outcome.verdicts.items()}
        troubles = [outcome.trouble for outcome in mine if outcome.trouble]
        names = sorted(requirement.id for requirement in naming.get(fault, ()))
        caught = tuple(name for name in names if verdicts.get(name) == "FAIL")
        missed = tuple(f"{name} {verdicts.get(name, troubles[0] if troubles else 'not judged')}"
                       for name in names if verdicts.get(name) != "FAIL")  # fmt: skip
        others = tuple(sorted(name for name, value in verdicts.items() if value == "FAIL" and name not in names))
        nearest = next((outcome.nearest[name] for name in caught for outcome in mine if name in outcome.nearest), "")
        found.append(MatrixRow(fault, caught, missed, others, nearest))
    return tuple(found)


def accused(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Requirements that fail on the honest platform, and scenarios that could not be run on it."""
    found = []
    for outcome in outcomes:
        if outcome.trial.fault is None:
            found += [f"{name} in {outcome.trial.scenario}" for name, value in sorted(outcome.verdicts.items())
                      if value in ("FAIL", "ERROR")]  # fmt: skip
            if outcome.trouble:
                found.append(f"{outcome.trial.scenario}: {outcome.trouble}")
    return tuple(found)
