"""Runs the study in worker processes and sums it up: false alarms with their bound, and power against faults."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from conformance.judge.band import SPECIFIED
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import NotShownError
from conformance.judge.history import History
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.run_facts import Context
from conformance.simulate.study import drawn_settings, trial
from conformance.simulate.study.study_plans import CHECKS, PLANS, hypothesis_called

CONFIDENCE: Final = 0.95


@dataclass(slots=True)
class Tally:
    """Verdicts of many runs."""

    runs: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    accused: list[str] = field(default_factory=list)
    """Seed and check of each failure."""
    runs_failed: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally."""
        self.runs += other.runs
        self.judged += other.judged
        self.failed += other.failed
        self.accused += other.accused
        self.runs_failed += other.runs_failed


def verdicts(history: History) -> dict[str, Verdict]:
    """Verdicts of all checks that the history shows something for."""
    found = {}
    for name in CHECKS:
        try:
            check = REGISTRY.checks[name]
            found[name] = check.look(history, check.parameters()).verdict
        except NotShownError:
            continue
    return found


def truthful(seeds: Sequence[int], configured: bool = False) -> Tally:
    """Random honest platforms under random scenarios, as Knative is shipped or `configured` at random: every value of
    every key alone first, then combinations."""
    tally = Tally()
    alone = drawn_settings.one_by_one()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        what = trial.setting(rng)
        if configured:
            config = alone[seed % len(alone)] if seed % 3 == 0 else drawn_settings.drawn(rng)
            # Whether pods are at zero when the load begins is known for the settings that Knative ships alone.
            annotations = {**what.annotations, "min-scale": str(max(1, int(what.annotations["min-scale"])))}
            what = replace(what, config=config, annotations=annotations)
        _count(tally, seed, verdicts(trial.run(what, trial.chances(rng), rng, SPECIFIED)))
    return tally


def broken(fault: str, plan: str, seeds: Sequence[int]) -> Tally:
    """One kind of broken platform under one scenario of the catalogue, all else random, judged by the catalogue's
    requirements for that scenario."""
    tally = Tally()
    requirements = PLANS[plan].requirements()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        history = trial.run(PLANS[plan].setting(rng), trial.chances(rng), rng, hypothesis_called(fault))
        _count(tally, seed, {each.id: judge_history(history, each, Context()).verdict for each in requirements})
    return tally


def _count(tally: Tally, seed: int, found: Mapping[str, Verdict]) -> None:
    tally.runs += 1
    failed = [name for name, verdict in found.items() if verdict is Verdict.FAIL]
    tally.judged.update(list(found))
    tally.failed.update(failed)
    tally.accused += [f"{seed}: {name}" for name in failed]
    tally.runs_failed += bool(failed)


def upper_bound(failures: int, runs: int) -> float:
    """Clopper-Pearson upper bound of a failure rate at 95 %, by bisection on the binomial."""
    if runs == 0:
        return 1.0
    low, high = failures / runs, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _at_most(failures, runs, middle) > 1.0 - CONFIDENCE else (low, middle)
    return high


def _at_most(failures: int, runs: int, rate: float) -> float:
    """Probability of at most so many failures."""
    if rate >= 1.0:
        return 0.0
    term = (1.0 - rate) ** runs
    total = term
    for count in range(1, failures + 1):
        term *= (runs - count + 1) / count * rate / (1.0 - rate)
        total += term
    return total


def in_chunks(seeds: range, size: int) -> Iterator[range]:
    """Seeds in runs of `size`."""
    for start in range(seeds.start, seeds.stop, size):
        yield range(start, min(start + size, seeds.stop))


def study(
    runs: int,
    power_runs: int,
    faults: Sequence[str],
    workers: int,
    seed: int = 0,
    tell: Callable[[Tally], None] = lambda _: None,
    configured: bool = False,
) -> tuple[Tally, dict[tuple[str, str], Tally]]:
    """(honest platforms, broken ones by fault and plan), of runs with seeds from `seed` on; `tell` hears of
    honest runs as they are judged."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        honest = Tally()
        for part in pool.map(partial(truthful, configured=configured), in_chunks(range(seed, seed + runs), 20)):
            honest.add(part)
            tell(part)
        power = {}
        for fault in faults:
            for plan in PLANS:
                power[fault, plan] = Tally()
                for part in pool.map(partial(broken, fault, plan), in_chunks(range(seed, seed + power_runs), 20)):
                    power[fault, plan].add(part)
    return honest, power


def table(honest: Tally, power: Mapping[tuple[str, str], Tally], seed: int = 0) -> str:
    """The result as Markdown."""
    bound = upper_bound(honest.runs_failed, honest.runs)
    lines = [
        f"{honest.runs} simulated honest runs, seeds from {seed} on: {honest.runs_failed} accused; "
        f"rate below {bound:.2%} at 95 %.",
        "",
        "| check | judged | false FAIL |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {honest.judged[name]} | {honest.failed[name]} |" for name in CHECKS if honest.judged[name]),
    ]
    if power:
        faults = list(dict.fromkeys(name for name, _ in power))
        lines += ["", "Runs of broken autoscalers that the catalogue's requirements for a scenario catch:", ""]
        lines += ["| scenario | " + " | ".join(faults) + " |", "| --- |" + " ---: |" * len(faults)]
        for plan in PLANS:
            shares = [power[fault, plan] for fault in faults]
            lines.append(f"| {plan} | " + " | ".join(f"{each.runs_failed}/{each.runs}" for each in shares) + " |")
    return "\n".join(lines) + "\n"
