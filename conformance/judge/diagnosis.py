"""Which wrong autoscaler explains a failed count best: the misfit of what was seen under each of them.

The misfit is pods x seconds outside the mutated band over pods x seconds seen, plus a little for the band's width, so
that of two explanations the sharper one wins. A fault is named only when it halves the misfit under the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from conformance.judge.band import ADDING_SECONDS, REMOVING_SECONDS, STEP_SECONDS, Band, band, mutated, outside
from conformance.judge.history import History, Revision
from conformance.judge.mutants import MUTANTS
from conformance.judge.stairs import Stairs

COUNTED: Final = frozenset(
    {"band", "peak", "panic-entered", "panic-holds", "panic-left", "no-panic", "steady", "no-flapping", "maximum",
     "minimum", "back-to-minimum", "halves-at-most"}
)  # fmt: skip
"""Checks of pod counts, which a wrong autoscaler explains."""
WIDTH_WEIGHT: Final = 0.05
BETTER: Final = 0.5


def nearest(history: History, parameters: Mapping[str, Any]) -> tuple[str, float, float] | None:
    """(name, misfit under that fault, misfit under the specification), None when no fault explains it well."""
    names = history.components
    component = str(parameters.get("component") or (names[0] if names else "predictor"))
    key = ("nearest", component)
    if key not in history.memo:
        history.memo[key] = _nearest([each for each in history.component(component) if each.pods], history)
    found: tuple[str, float, float] | None = history.memo[key]
    return found


def _nearest(revisions: list[Revision], history: History) -> tuple[str, float, float] | None:
    if not revisions:
        return None
    specified = sum(misfit(history, revision, band(history, revision)) for revision in revisions) / len(revisions)
    best: tuple[float, str] | None = None
    for name, mutant in MUTANTS.items():
        total = sum(misfit(history, each, mutated(history, each, mutant)) for each in revisions) / len(revisions)
        if best is None or total < best[0] - 1e-9:
            best = (total, name)
    if best is None or best[0] > BETTER * specified:
        return None
    return best[1], round(best[0], 4), round(specified, 4)


def misfit(history: History, revision: Revision, limits: Band) -> float:
    """Share of pods x seconds outside a band, 0 for a perfect fit in a sharp band."""
    seen, adding, removing = _counts(revision)
    low, high = limits.around(adding, 0.0)[0], limits.around(removing, 0.0)[1]
    found = outside(seen, low, high, limits.times, limits.times[0], history.watched_until)
    values = np.nan_to_num(seen.at(limits.times), nan=0.0)
    area = max(float(values.sum()) * STEP_SECONDS, 1.0)
    width = float(np.maximum(0.0, limits.high - limits.low).sum()) * STEP_SECONDS
    return (found.above + found.below + WIDTH_WEIGHT * width) / area


def _counts(revision: Revision) -> tuple[Stairs, float, float]:
    if revision.desired is not None:
        return revision.desired, 0.0, 0.0
    return revision.total, ADDING_SECONDS, REMOVING_SECONDS
