"""Which wrong autoscaler explains a failed count best: the misfit of what was seen under each of them.

The misfit is the area between the seen count and the likely course under a hypothesis, at the tick phase that fits
best, over pods x seconds seen. A fault is named only when it halves the misfit under the specification.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from conformance.catalogue.parameters import CheckParameters
from conformance.judge import ensemble, subject
from conformance.judge.band import SPECIFIED, STEP_SECONDS, bounded
from conformance.judge.demand import demand
from conformance.judge.expectations import parameters as resolved
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES, FaultHypothesis
from conformance.judge.history import History, Revision
from conformance.judge.once import once

BETTER: Final = 0.5
NEARLY: Final = 1.5
"""Two faults whose misfits differ by less than this cannot be told apart."""
REPORT_PHASE: Final = 0.6


def nearest(history: History, parameters: CheckParameters) -> tuple[str, float, float] | None:
    """(name, misfit under that fault, misfit under the specification), None when no fault explains it well."""
    return _nearest(history, subject.component(history, parameters))


def explained(history: History, parameters: CheckParameters, names: Iterable[str], unknown: bool = False) -> bool:
    """Whether one of the named faults explains a failed count, nearly as well as the one that explains it best;
    `unknown` where none of all does."""
    found = nearest(history, parameters)
    if found is None:
        return unknown
    revisions = [each for each in history.component(subject.component(history, parameters)) if each.pods]
    best, specified = found[1], found[2]
    known = [FAULT_HYPOTHESES[name] for name in names]
    most = min(NEARLY * best + 0.01, BETTER * specified)
    return any(_mean(revisions, history, hypothesis) <= most for hypothesis in known)


@once
def _nearest(history: History, component: str) -> tuple[str, float, float] | None:
    revisions = [each for each in history.component(component) if each.pods]
    if not revisions:
        return None
    specified = _mean(revisions, history, SPECIFIED)
    best: tuple[float, str] | None = None
    for name, hypothesis in FAULT_HYPOTHESES.items():
        total = _mean(revisions, history, hypothesis)
        if best is None or total < best[0] - 1e-9:
            best = (total, name)
    if best is None or best[0] > BETTER * specified:
        return None
    return best[1], round(best[0], 4), round(specified, 4)


def _mean(revisions: list[Revision], history: History, hypothesis: FaultHypothesis) -> float:
    return sum(misfit(history, revision, hypothesis) for revision in revisions) / len(revisions)


def misfit(history: History, revision: Revision, hypothesis: FaultHypothesis) -> float:
    """Area between the seen count and the likely course under a hypothesis, over pods x seconds seen."""
    settings = hypothesis.parameters(resolved(history, revision))
    load = demand(history, revision, settings.metric)
    origin, until = history.recording.header.origin_wall, history.end
    first = min((pod.first_ready for pod in revision.pods), default=revision.seen)
    times = np.arange(min(first, until) + 4.0, max(until, first + 5.0), STEP_SECONDS)
    seen = np.nan_to_num((revision.desired or revision.total).at(times), nan=0.0)
    area = max(float(seen.sum()) * STEP_SECONDS, 1.0)
    best = np.inf
    for phase in ensemble.TICK_PHASES:
        member = ensemble.Member(True, phase, REPORT_PHASE, 0.0, plain=True)
        course = ensemble.course(member, settings, load, revision, origin, until, hypothesis.decider)
        counts = bounded(course.desired.at(times), settings, revision, times)
        best = min(best, float(np.abs(counts - seen).sum()) * STEP_SECONDS)
    return best / area
