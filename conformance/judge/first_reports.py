"""What an activator's first report after a silence tells beyond the load of its second.

An activator that saw no request in flight for a second forgets the revision. The next request is told at once, as one,
and the report that follows is the mean since that request less the one; together they stand for a whole second, however
short the time since then (pkg/activator/handler/concurrency_reporter.go at knative-v1.23.0). A burst of a tenth of a
second that begins right before a report counts ten times what it was.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge import path_changes
from conformance.judge.arrivals import Arrivals
from conformance.judge.demand import Demand
from conformance.judge.history import Revision
from conformance.judge.step_function import Floats

AFTER_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
"""From a first request to the report: the phase of an activator's reports is not known."""


def beyond(revision: Revision, load: Demand, ends: Floats, values: Floats) -> Floats:
    """For each report on the second that ends then how much more than this value of the greatest load it may tell.

    Arrivals are just counted, and what reaches pods directly goes by no activator."""
    found = np.zeros(len(ends))
    counted = load.most.counted
    if isinstance(counted, Arrivals):
        return found
    first = first_of_second(load.most.sent, ends)
    numbers = np.flatnonzero(~np.isnan(first))
    first = first[numbers]
    forgotten = load.least.counted.between(first - 1.0, first) == 0
    forgotten &= path_changes.direct(revision).at(first) == 0
    numbers, first = numbers[forgotten], first[forgotten]
    means = [counted.between(first, first + seconds) / seconds for seconds in AFTER_SECONDS]
    found[numbers] = np.maximum(0.0, np.max(means, axis=0) - values[numbers])
    return found


def first_of_second(sent: Floats, ends: Floats) -> Floats:
    """The first of these times in the second before each end, NaN where there is none."""
    found = np.full(len(ends), np.nan)
    if len(sent):
        index = np.searchsorted(sent, ends - 1.0)
        first = sent[np.minimum(index, len(sent) - 1)]
        came = (index < len(sent)) & (first <= ends)
        found[came] = first[came]
    return found
