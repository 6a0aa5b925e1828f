"""Which faults of the platform a run with wrong pod counts is consistent with: told to the reader, never a verdict.

The misfit is the area between the seen count and the likely course under a fault, at the tick phase that fits best,
over pods x seconds seen. All scenarios of a run are fitted together, since one platform made them all. A fault is named
only when it halves the misfit under the specification where counts were wrong, and makes it no larger in all scenarios
together; faults that fit about as well as the best are named beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from conformance.judge import ensemble
from conformance.judge.band import SPECIFIED, START_SECONDS, STEP_SECONDS, bounded
from conformance.judge.expectations import parameters as resolved
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES, FaultHypothesis
from conformance.judge.history import History, Revision
from conformance.judge.judgement import Likeness
from conformance.judge.measured_load import Member, Windows, measured
from conformance.judge.once import once
from conformance.model.decider import Decider
from conformance.model.parameters import Parameters

BETTER: Final = 0.5
NEARLY: Final = 1.5
"""Faults whose misfits differ by less than this factor cannot be told apart."""
ALIKE: Final = 0.01
"""Nor those that differ by less than this share of the pods x seconds seen."""
PHASES: Final = ensemble.TICK_PHASES[::2]
"""Half of the band's: for a likeness a second's difference is enough."""
REPORT_PHASE: Final = 0.6


@dataclass(frozen=True, slots=True)
class _Fit:
    """Pods x seconds between what was seen and the likely course, and pods x seconds seen."""

    apart: float
    seen: float


def consistent(histories: Collection[History], wrong: Collection[History]) -> Likeness | None:
    """The faults that the recordings of a run are consistent with, by all of them and by those in which counts were
    wrong; None where none explains them well."""
    specified = _misfit(wrong, SPECIFIED)
    well = {
        name: _misfit(histories, hypothesis)
        for name, hypothesis in FAULT_HYPOTHESES.items()
        if _misfit(wrong, hypothesis) <= BETTER * specified
    }
    best = min(well.values(), default=np.inf)
    if not specified or best > _misfit(histories, SPECIFIED):
        return None
    alike = sorted((misfit, name) for name, misfit in well.items() if misfit <= max(NEARLY * best, best + ALIKE))
    return Likeness(tuple(name for _, name in alike), round(best, 4), round(_misfit(histories, SPECIFIED), 4))


def _misfit(histories: Collection[History], hypothesis: FaultHypothesis) -> float:
    fits = [_fit(history, revision, hypothesis) for history in histories for revision in _revisions(history)]
    return sum(fit.apart for fit in fits) / max(1.0, sum(fit.seen for fit in fits))


def _revisions(history: History) -> list[Revision]:
    return [each for each in history.revisions.values() if each.pods]


def _fit(history: History, revision: Revision, hypothesis: FaultHypothesis) -> _Fit:
    # Most faults change nothing for most services: then their course is that of the specification.
    return _fitted(history, revision, hypothesis.parameters(resolved(history, revision)), hypothesis.decider)


@once
def _fitted(history: History, revision: Revision, settings: Parameters, decider: type[Decider]) -> _Fit:
    until = history.end
    first = min((pod.first_ready for pod in revision.pods), default=revision.seen)
    times = np.arange(min(first, until) + START_SECONDS, max(until, first + START_SECONDS + 1.0), STEP_SECONDS)
    seen = np.nan_to_num((revision.desired or revision.total).at(times), nan=0.0)
    best = np.inf
    for phase in PHASES:
        load = measured(history, revision, Member(True, phase, REPORT_PHASE, 0.0, plain=True), Windows.of(settings))
        course = ensemble.course(load, settings, decider)
        counts = bounded(course.desired.at(times), settings, times >= revision.superseded)
        best = min(best, float(np.abs(counts - seen).sum()) * STEP_SECONDS)
    return _Fit(best, float(seen.sum()) * STEP_SECONDS)


def by_scenario(histories: Mapping[str, History], wrong: Collection[str]) -> Likeness | None:
    """`consistent` by the scenarios' names."""
    return consistent(list(histories.values()), [histories[name] for name in wrong if name in histories])
