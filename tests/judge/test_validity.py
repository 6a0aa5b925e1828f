"""A run that the harness, the observer or the capacity limited ends INCONCLUSIVE with its code, never FAIL or PASS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.judge import validity
from conformance.judge.context import Context
from conformance.judge.history import History, build
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.recording.facts import Fact, Kind
from conformance.recording.rows import RowError
from conformance.requirement import Requirement, catalogue
from conformance.run import Deviation
from tests.judge.shaping import mapped, with_body, with_facts, with_rows

Real = Callable[[str], History]


def requirement(name: str) -> Requirement:
    return next(entry for entry in catalogue() if entry.id == name)


def codes(history: History, name: str, context: Context | None = None) -> list[str]:
    """Codes of the reasons for which a requirement is INCONCLUSIVE."""
    judgement = judge_history(history, requirement(name), context or Context())
    assert judgement.verdict is Verdict.INCONCLUSIVE, judgement
    for reason in judgement.reasons:
        assert not reason.ok
        assert reason.remedy
        assert reason.limit
    return [reason.code for reason in judgement.reasons]


def test_an_honest_recording_is_valid(real: Real) -> None:
    for name in ("s1", "s6", "a3down", "a4poisson", "s8"):
        assert [reason for reason in validity.of(real(name)) if not reason.ok] == []


def test_a_saturated_generator_never_yields_a_failure(real: Real) -> None:
    history = real("s3")
    load = history.loads[0]
    busy = tuple({"t": float(t), "cpu_share": 1.0} for t in range(30))
    saturated = build(history.recording, history.facts, (replace(load, health=busy),))
    assert codes(saturated, "RPS-001") == ["GENERATOR_CPU"]


def test_a_sender_that_falls_behind_is_inconclusive(real: Real) -> None:
    def late(rows: np.ndarray) -> np.ndarray:
        rows["sent"] += 2.0
        rows["end"] += 2.0
        return rows

    assert "SCHEDULE_LAG_P_SECONDS" in codes(with_rows(real("s3"), late), "RPS-001")


def test_arrivals_that_were_never_sent_are_inconclusive(real: Real) -> None:
    def dropped(rows: np.ndarray) -> np.ndarray:
        rows["error"][::10] = RowError.DROPPED
        rows["sent"][::10] = np.nan
        return rows

    assert "OFFERED_LOAD_RATIO" in codes(with_rows(real("s3"), dropped), "RPS-001")


def test_a_closed_loop_whose_callers_stall_is_inconclusive(real: Real) -> None:
    def stalled(rows: np.ndarray) -> np.ndarray:
        start = rows["sent"].min()
        gone = (rows["sent"] > start + 10) & (rows["sent"] < start + 20)
        return rows[~gone]

    history = real("s6")
    load = history.loads[0]
    rows = stalled(load.rows)
    kept = ~((load.rows["sent"] > load.rows["sent"].min() + 10) & (load.rows["sent"] < load.rows["sent"].min() + 20))
    broken = build(history.recording, history.facts, (replace(load, rows=rows, pods=load.pods[kept]),))
    assert "OFFERED_LOAD_RATIO" in codes(broken, "CON-001")


def test_a_starved_harness_is_inconclusive(real: Real) -> None:
    lag = [(100.0 + t, Kind.HARNESS, {"loop_lag_seconds": 2.0}) for t in range(5)]
    assert codes(with_facts(real("s6"), *lag), "CON-001") == ["LOOP_LAG_SECONDS"]


def test_a_dropped_watch_is_inconclusive(real: Real) -> None:
    gap = (60.0, Kind.GAP, {"kind": "pods", "from": 55.0, "to": 60.0, "reason": "connection reset"})
    assert codes(with_facts(real("s6"), gap), "BND-001") == ["OBSERVER_GAP_SECONDS"]


def test_a_throttled_client_is_inconclusive(real: Real) -> None:
    gap = (60.0, Kind.GAP, {"kind": "pods", "from": 59.9, "to": 60.0, "reason": "status 429"})
    assert codes(with_facts(real("s6"), gap), "BND-001") == ["API_THROTTLED"]


def test_a_gap_after_the_teardown_does_not_matter(real: Real) -> None:
    history = real("s6")
    phase = (history.end + 1.0, Kind.PHASE, {"name": "teardown", "edge": "begin"})
    gap = (history.end + 9.0, Kind.GAP, {"kind": "pods", "from": history.end + 2, "to": history.end + 9, "reason": "x"})
    judgement = judge_history(with_facts(history, phase, gap), requirement("BND-001"), Context())
    assert judgement.verdict is Verdict.PASS


def test_clocks_that_differ_show(real: Real) -> None:
    skew = (50.0, Kind.CLOCK, {"skew_seconds": 7.0, "round_trip_seconds": 0.01})
    found = [reason for reason in validity.of(with_facts(real("s6"), skew)) if not reason.ok]
    assert [reason.code for reason in found] == ["CLOCK_SKEW_SECONDS"]


def test_too_small_a_cluster_is_inconclusive(real: Real) -> None:
    history = real("s6")
    last = list(history.pods)[-1]

    def stuck(fact: Fact) -> Fact | None:
        if fact.kind is not Kind.POD or fact.body["name"] != last:
            return fact
        text = "0/1 nodes are available: 1 Insufficient cpu."
        return with_body(
            fact, phase="Pending", ready=False, scheduled=False, reason="Unschedulable", message=text, deleting=False
        )

    assert codes(mapped(history, stuck), "CON-001") == ["CAPACITY_PODS"]


def test_pods_without_accelerator_are_no_lack_of_capacity(real: Real) -> None:
    assert [reason for reason in validity.of(real("a1gpu")) if not reason.ok] == []


def test_images_that_cannot_be_pulled_are_inconclusive(real: Real) -> None:
    history = real("s6")
    last = list(history.pods)[-1]

    def pulling(fact: Fact) -> Fact:
        if fact.kind is not Kind.POD or fact.body["name"] != last:
            return fact
        waiting = [{"name": "kserve-container", "ready": False, "restarts": 0, "reason": "ImagePullBackOff"}]
        return with_body(fact, ready=False, containers=waiting)

    assert codes(mapped(history, pulling), "CON-001") == ["IMAGE_PULL_SHARE"]


def test_answers_from_something_else_are_inconclusive(real: Real) -> None:
    history = real("s4")
    load = history.loads[0]
    nobody = np.full(len(load.pods), "", dtype=load.pods.dtype)
    foreign = build(history.recording, history.facts, (replace(load, pods=nobody),))
    assert codes(foreign, "LIM-001") == ["WITNESS_MISSING"]


def test_a_configuration_that_changes_is_inconclusive(real: Real) -> None:
    changed = (80.0, Kind.CONFIG, {"source": "config-autoscaler", "data": {"stable-window": "30s"}})
    assert codes(with_facts(real("s6"), changed), "CON-001") == ["CONFIGURATION_CHANGED"]


def test_a_setting_beyond_its_limit_is_inconclusive(real: Real) -> None:
    context = Context(deviations=(Deviation("readiness_timeout_seconds", 120, 900, 600, "slow registry here"),))
    assert codes(real("s6"), "CON-001", context) == ["SETTING_BEYOND_LIMIT"]


def test_a_setting_within_its_limit_is_fine(real: Real) -> None:
    context = Context(deviations=(Deviation("readiness_timeout_seconds", 120, 300, 600, "slow registry here"),))
    assert judge_history(real("s6"), requirement("CON-001"), context).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("failed", "PLATFORM_FAILED"), ("error", "HARNESS_FAILED"), ("interrupted", "RECORDING_INTERRUPTED")],
)
def test_a_scenario_that_did_not_end_is_inconclusive(real: Real, outcome: str, code: str) -> None:
    history = mapped(real("s6"), lambda fact: with_body(fact, outcome=outcome) if fact.kind is Kind.END else fact)
    assert codes(history, "CON-001") == [code]


def test_a_recording_that_breaks_off_is_inconclusive(real: Real) -> None:
    history = mapped(real("s6"), lambda fact: None if fact.kind is Kind.END or fact.t > 60 else fact)
    assert codes(history, "CON-001") == ["RECORDING_INTERRUPTED"]


def test_too_few_samples_are_inconclusive_in_a_run_of_ours(real: Real) -> None:
    history = real("s8")
    header = replace(history.recording.header, scenario_spec={**history.scenario, "imported": False})

    class Ours:
        def __init__(self) -> None:
            self.header = header
            self.folder = Path("x")

    ours = build(Ours(), history.facts, history.loads)
    assert codes(ours, "ZER-001") == ["SAMPLE_SIZE"]


def test_every_code_has_a_kind_and_a_remedy(real: Real) -> None:
    for reason in validity.of(real("s6")):
        assert reason.code in validity.KINDS
        assert reason.remedy
