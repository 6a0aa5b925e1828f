"""What of a request's time the autoscaler counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.judge.arrivals import Rows
from conformance.judge.demand import Demand, demand
from conformance.judge.history import History
from conformance.judge.step_function import StepFunction
from conformance.model.keys import CONCURRENCY, RPS
from conformance.recording.facts import Fact
from conformance.recording.run_bodies import WAY, ProbeBody
from tests.judge.shaping import with_rows

Real = Callable[[str], History]


def slowed(rows: Rows) -> Rows:
    """Half of each request's time is lost on the way to the pod, but for ten that show how short the way can be."""
    rows["model_seconds"][10:] = (rows["end"] - rows["sent"])[10:] / 2
    return rows


def of(history: History, **changes: Any) -> Demand:
    (revision,) = history.revisions.values()
    return demand(history, replace(revision, **changes), CONCURRENCY)


def served(history: History) -> tuple[float, float]:
    """A time in which pods were ready and requests sent all along."""
    (revision,) = history.revisions.values()
    first = next(t for t, ready in zip(revision.ready.times, revision.ready.values, strict=True) if ready >= 1)
    found = demand(history, revision, CONCURRENCY)
    return max(first, found.start) + 10.0, found.end - 2.0


@pytest.fixture
def history(real: Real) -> History:
    return real("s6")


def test_time_lost_on_the_way_to_a_ready_pod_may_not_count(history: History) -> None:
    least, most = (side[0] for side in of(with_rows(history, slowed)).mean(np.array(served(history))))
    assert least == pytest.approx(most / 2, rel=0.02)


def test_the_usual_way_changes_next_to_nothing(history: History) -> None:
    least, most = (side[0] for side in of(history).mean(np.array(served(history))))
    assert least == pytest.approx(most, rel=0.05)


def test_waiting_for_a_slot_counts(history: History) -> None:
    found = of(with_rows(history, slowed), container_concurrency=3, ready=StepFunction.of([(0.0, 1.0)]))
    least, most = (side[0] for side in found.mean(np.array(served(history))))
    assert least > 0.7 * most, "all but the usual way, which may take a quarter of so short a request"


def test_a_free_slot_is_no_reason_to_wait(history: History) -> None:
    found = of(with_rows(history, slowed), container_concurrency=3, ready=StepFunction.of([(0.0, 2.0)]))
    least, most = (side[0] for side in found.mean(np.array(served(history))))
    assert least == pytest.approx(most / 2, rel=0.02)


def test_waiting_for_the_first_pod_counts(history: History) -> None:
    found = of(with_rows(history, slowed), ready=StepFunction.of([(0.0, 0.0)]))
    least, most = (side[0] for side in found.mean(np.array(served(history))))
    assert least > 0.7 * most, "all but the usual way, which may take a quarter of so short a request"


def held_back(rows: Rows) -> Rows:
    """All that is sent within seven seconds is answered together; the model takes ten milliseconds."""
    first = float(np.nanmin(rows["sent"]))
    rows["model_seconds"] = 0.01
    back = (rows["sent"] >= first + 20.0) & (rows["sent"] < first + 27.0)
    rows["end"] = rows["sent"] + 0.02
    rows["end"][back] = first + 27.5
    return rows


def by_rate(history: History, start: float, end: float) -> tuple[float, float]:
    (revision,) = history.revisions.values()
    least, most = demand(history, revision, RPS).mean(np.array([start, end]))
    return float(least[0]), float(most[0])


def test_requests_that_the_platform_held_back_may_have_arrived_together(history: History) -> None:
    first = float(np.nanmin(history.loads[0].rows["sent"]))
    sent = history.loads[0].rows["sent"]
    count = float(((sent >= first + 20.0) & (sent < first + 27.0)).sum())
    held = with_rows(history, held_back)
    least, most = by_rate(held, first + 26.9, first + 27.9)
    assert most >= count
    assert by_rate(held, first + 22.0, first + 25.0)[0] == 0.0, "they may not have arrived yet"
    usual = by_rate(held, first + 10.0, first + 16.0)
    assert usual[1] - usual[0] <= 1.0
    assert least <= most


def test_a_request_without_an_answer_may_or_may_not_have_arrived(history: History) -> None:
    def lost(rows: Rows) -> Rows:
        rows["status"][::2] = 0
        return rows

    start = float(np.nanmin(history.loads[0].rows["sent"])) + 10.0
    least, most = by_rate(with_rows(history, lost), start, start + 10.0)
    assert least < 0.6 * most


def test_waiting_before_the_activator_does_not_count(history: History) -> None:
    """One pod is ready and its slots stand empty: it is not for want of a slot that requests wait."""

    def slow_gateway(rows: Rows) -> Rows:
        rows["model_seconds"][10:] = 0.001
        rows["end"] = rows["sent"] + 5.0
        return rows

    alone = StepFunction.of([(0.0, 1.0)])
    found = of(with_rows(history, slow_gateway), container_concurrency=3, ready=alone)
    least, most = (side[0] for side in found.mean(np.array(served(history))))
    assert least < 0.05 * most


@pytest.mark.parametrize("metric", [CONCURRENCY, RPS])
def test_questions_outside_of_loads_may_count(history: History, metric: str) -> None:
    (revision,) = history.revisions.values()
    before = demand(history, revision, metric)
    at = before.start - 8.0
    question = Fact(at, 0.0, ProbeBody(WAY, 200, 0.5))
    asked = demand(replace(history, facts=(*history.facts, question)), revision, metric)
    window = np.array([at - 1.0]), np.array([at + 1.0])
    assert float(asked.most.between(*window)[0]) == pytest.approx(0.5 if metric == CONCURRENCY else 1.0)
    assert asked.most.sent[0] == at - 0.5, "an autoscaler that wants nothing hears of it at once"
    assert float(asked.least.between(*window)[0]) == 0.0
    assert (asked.start, asked.end, len(asked.sent)) == (before.start, before.end, len(before.sent))
