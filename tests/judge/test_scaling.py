"""The scaling dashboard's figures: what an autoscaler has to measure, and what it told; evidence, never a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from conformance.judge import scaling
from conformance.judge.history import History, Revision
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.recording.facts import Fact, FactKind
from conformance.recording.run_bodies import MetricBody
from tests.judge.shaping import mapped, with_body, with_facts

Real = Callable[[str], History]


def only(history: History) -> Revision:
    (revision,) = history.revisions.values()
    return revision


def test_five_in_flight_are_five_to_measure(real: Real) -> None:
    history = real("s6")
    found = scaling.measured(history, only(history))
    assert found is not None
    assert found.unit == "requests in flight"
    start, end = history.loads[0].start, history.loads[0].end
    steady = (found.times > start + 7) & (found.times < end - 1)
    assert found.panic[steady] == pytest.approx(5.0, abs=0.05)
    assert np.all(np.diff(found.stable[steady]) > 0)


def test_a_rate_is_measured_where_the_metric_is_one(real: Real) -> None:
    history = real("s3")
    found = scaling.measured(history, only(history))
    assert found is not None
    assert found.unit == "requests per second"
    assert float(found.panic.max()) == pytest.approx(50.0, rel=0.05)


def test_figures_of_a_prometheus_stand_at_their_own_time(real: Real) -> None:
    history = mapped(real("s6"), lambda fact: None if fact.kind is FactKind.METRIC else fact)
    body = {"source": "prometheus", "revision": only(history).name, "at": 40.0,
            "values": {"desired": 8, "stable_concurrency": 4.9, "panic_concurrency": 5.0}}  # fmt: skip
    later = with_facts(history, (history.end - 0.5, FactKind.METRIC, body))
    ((t, values),) = scaling.reported(later, only(later))
    assert t == 40.0
    assert (values["stable"], values["panic"], values["desired"]) == (4.9, 5.0, 8.0)


def test_figures_of_another_revision_are_not_taken(real: Real) -> None:
    history = mapped(real("s6"), lambda fact: None if fact.kind is FactKind.METRIC else fact)
    body = {"source": "prometheus", "revision": "another-00007", "at": 40.0, "values": {"desired": 3}}
    later = with_facts(history, (history.end - 0.5, FactKind.METRIC, body))
    assert scaling.reported(later, only(later)) == []


def test_a_failed_count_shows_what_the_autoscaler_told(real: Real) -> None:
    def fewer(fact: Fact[Any]) -> Fact[Any]:
        desired = getattr(fact.body, "desired", None)
        return with_body(fact, desired=min(desired, 4)) if fact.kind is FactKind.POD_AUTOSCALER and desired else fact

    requirement = next(entry for entry in catalogue() if entry.id == "CON-001")
    body = {"source": "prometheus", "revision": only(real("s6")).name, "at": real("s6").loads[0].start + 5.0,
            "values": {"desired": 4, "stable_concurrency": 1.2}}  # fmt: skip
    told = with_facts(real("s6"), (real("s6").end - 0.5, FactKind.METRIC, body))
    judgement = judge_history(mapped(told, fewer), requirement, Context())
    assert judgement.verdict is Verdict.FAIL
    assert judgement.facts[-1].endswith("the autoscaler itself told desired 4, stable 1.2")


def test_what_the_autoscaler_told_changes_no_verdict(real: Real) -> None:
    def lies(fact: Fact[Any]) -> Fact[Any]:
        if not isinstance(fact.body, MetricBody) or fact.body.source != "prometheus":
            return fact
        return with_body(fact, values=dict.fromkeys(fact.body.values, 99.0))

    history = real("s6")
    body = {"source": "prometheus", "revision": only(history).name, "at": 40.0, "values": {"desired": 8.0}}
    honest = with_facts(history, (history.end - 0.5, FactKind.METRIC, body))
    deceived = mapped(honest, lies)
    for requirement in catalogue():
        if requirement.check in ("band", "peak", "panic-entered", "panic-holds", "panic-left", "steady"):
            before = judge_history(honest, requirement, Context()).verdict
            assert judge_history(deceived, requirement, Context()).verdict is before
