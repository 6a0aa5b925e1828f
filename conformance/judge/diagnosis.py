"""Which wrong autoscaler explains a failed count best: the misfit of what was seen under each of them.

The misfit is the area between the seen count and the likely course under a hypothesis, at the tick phase that fits
best, over pods x seconds seen. A fault is named only when it halves the misfit under the specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from conformance.judge import ensemble
from conformance.judge.band import SPECIFIED, STEP_SECONDS, bounded
from conformance.judge.demand import demand
from conformance.judge.expectations import parameters as resolved
from conformance.judge.fault_hypotheses import MUTANTS, Mutant
from conformance.judge.history import History, Revision
from conformance.judge.once import once

COUNTED: Final = frozenset(
    {"band", "peak", "panic-entered", "panic-holds", "panic-left", "no-panic", "steady", "no-flapping", "maximum",
     "minimum", "back-to-minimum", "halves-at-most"}
)  # fmt: skip
"""Checks of pod counts, which a wrong autoscaler explains."""
BETTER: Final = 0.5
NEARLY: Final = 1.5
"""Two faults whose misfits differ by less than this cannot be told apart."""
REPORT_PHASE: Final = 0.6


def nearest(history: History, parameters: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """(name, misfit under that fault, misfit under the specification), None when no fault explains it well."""
    names = history.components
    component = str(parameters.get("component") or (names[0] if names else "predictor"))
    return _nearest(history, component)


def explained(history: History, parameters: Mapping[str, Any], names: Iterable[str], unknown: bool = False) -> bool:
    """Whether one of the named faults explains a failed count, nearly as well as the one that explains it best;
    `unknown` where none of all does."""
    found = nearest(history, parameters)
    if found is None:
        return unknown
    names_of = history.components
    component = str(parameters.get("component") or (names_of[0] if names_of else "predictor"))
    revisions = [each for each in history.component(component) if each.pods]
    best, specified = found[1], found[2]
    known = [MUTANTS[name] for name in names if name in MUTANTS]
    return any(_mean(revisions, history, mutant) <= min(NEARLY * best + 0.01, BETTER * specified) for mutant in known)


@once
def _nearest(history: History, component: str) -> tuple[str, float, float] | None:
    revisions = [each for each in history.component(component) if each.pods]
    if not revisions:
        return None
    specified = _mean(revisions, history, SPECIFIED)
    best: tuple[float, str] | None = None
    for name, mutant in MUTANTS.items():
        total = _mean(revisions, history, mutant)
        if best is None or total < best[0] - 1e-9:
            best = (total, name)
    if best is None or best[0] > BETTER * specified:
        return None
    return best[1], round(best[0], 4), round(specified, 4)


def _mean(revisions: list[Revision], history: History, mutant: Mutant) -> float:
    return sum(misfit(history, revision, mutant) for revision in revisions) / len(revisions)


def misfit(history: History, revision: Revision, mutant: Mutant) -> float:
    """Area between the seen count and the likely course under a hypothesis, over pods x seconds seen."""
    settings = mutant.parameters(resolved(history, revision))
    load = demand(history, revision, settings.metric)
    origin, until = history.recording.header.origin_wall, history.watched_until
    first = min((pod.first_ready for pod in revision.pods), default=revision.seen)
    times = np.arange(min(first, until) + 4.0, max(until, first + 5.0), STEP_SECONDS)
    seen = np.nan_to_num((revision.desired or revision.total).at(times), nan=0.0)
    area = max(float(seen.sum()) * STEP_SECONDS, 1.0)
    best = np.inf
    for phase in ensemble.TICK_PHASES:
        member = ensemble.Member(True, phase, REPORT_PHASE, 0.0, plain=True)
        course = ensemble.course(member, settings, load, revision, origin, until, mutant.decider)
        counts = bounded(course.desired.at(times), settings, revision, times)
        best = min(best, float(np.abs(counts - seen).sum()) * STEP_SECONDS)
    return best / area
