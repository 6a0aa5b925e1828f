"""What of a request's time the autoscaler counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.judge.demand import Demand, demand
from conformance.judge.history import History
from conformance.judge.step_function import StepFunction
from conformance.model.keys import CONCURRENCY
from tests.judge.shaping import with_rows

Real = Callable[[str], History]


def slowed(rows: np.ndarray) -> np.ndarray:
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
