"""What is counted twice or not at all while the activator enters or leaves the path.

The activator reports what it sees at once. A pod tells of its last finished second, and is asked once a second: what it
says is up to two seconds old. A request counts at the one or at the other. So requests that go by the activator from
now on are counted there, while the pods still tell of the seconds in which they came directly; and those that come
directly from now on are counted nowhere until the pods tell of them. Sources are pkg/activator/handler/
concurrency_reporter.go, pkg/queue/protobuf_stats_reporter.go and pkg/autoscaler/metrics at knative-v1.23.0.

The judge does not know the phases of those timers. Of the seconds in a window, W + a - s + g reports of a steady load
are there when it came directly first and W + s - a - g when it comes directly last, where a and s in [0, 1) are the
phases of the activator's reports and of the scrapes within a second, and g in [0, 1] is the age of what a pod tells.
What a - s adds is granted to every window already, by the report that counts twice.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from conformance.judge.arrivals import Arrivals
from conformance.judge.demand import Side
from conformance.judge.history import Revision
from conformance.judge.step_function import Floats, StepFunction

PROXY: Final = "Proxy"
"""The mode of a ServerlessService with the activator in the path."""


def direct(revision: Revision) -> StepFunction:
    """1 while requests reach the pods without an activator: the mode says so, and there is a pod."""
    times = sorted({*revision.ready.times.tolist(), *(t for t, _ in revision.modes)})
    moments = np.array(times)
    serving = StepFunction.of([(t, float(mode != PROXY)) for t, mode in revision.modes])
    found = (serving.at(moments) > 0) & (revision.ready.at(moments) >= 1)
    return StepFunction.of(zip(times, found.astype(float).tolist(), strict=True))


def beyond(revision: Revision, side: Side, reports: Floats, values: Floats, high: bool) -> Floats:
    """What the reports at these times may tell beyond these values of the load, negative where so much may be missing:
    at the most for the high side, at the least for the low one."""
    path = direct(revision)
    changes = path.changes(revision.seen, float(reports[-1])) if len(reports) else []
    found = np.zeros(len(reports))
    for at, _, now in changes:
        age = np.ceil(reports - at)
        if high and not now:
            _counted_twice(found, side, at, age)
        elif not high:
            # The pods' first report is due up to two seconds later; the activator's up to one.
            found[(age >= 1) & (age <= (2 if now else 1))] = -values[(age >= 1) & (age <= (2 if now else 1))]
    return found


def _counted_twice(found: Floats, side: Side, at: float, age: Floats) -> None:
    """A second that the pods tell of late; and the activator's first report, a mean since its first request that stands
    for a whole second. Arrivals it just counts."""
    edges = np.array([at - 1.0, at, at + 1.0])
    before, after = side.counted.between(edges[:-1], edges[1:]).tolist()
    found[age == 1] += before
    if not isinstance(side.counted, Arrivals):
        found[age == 2] += after
