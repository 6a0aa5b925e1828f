"""A starved cluster says so: nothing is decided on pods, and what callers lost stays lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge import validity
from conformance.judge.arrivals import Rows
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import PodCounts
from conformance.judge.history import History
from conformance.judge.judgement import Reason, Verdict
from conformance.judge.judging import judge_history, judge_run
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.recording.facts import FactKind
from conformance.simulate.simulation import simulate_scenario
from tests.judge.shaping import mapped, with_facts, with_rows

Real = Callable[[str], History]


def reason(history: History, code: str) -> Reason | None:
    """The outcome of one check of validity."""
    return next((each for each in validity.of(history) if each.code == code), None)


def verdict(history: History, name: str) -> Verdict:
    requirement = next(entry for entry in catalogue() if entry.id == name)
    return judge_history(history, requirement, Context()).verdict


def slowed(seconds: int, by: float) -> Callable[[Rows], Rows]:
    """Models that took longer in the first so many seconds of a load."""

    def change(rows: Rows) -> Rows:
        start = rows["end"].min()
        rows["model_seconds"][rows["end"] < start + seconds] += by
        return rows

    return change


def test_models_that_took_longer_than_asked_tell_of_a_starved_cluster(real: Real) -> None:
    history = with_rows(real("s6"), slowed(6, 0.48))
    found = reason(history, "STARVED")
    assert found is not None
    assert not found.ok
    assert float(found.value) >= 6
    assert verdict(history, "CON-001") is Verdict.INCONCLUSIVE
    assert verdict(history, "INT-001") is Verdict.PASS


@pytest.mark.parametrize(("seconds", "by"), [(1, 0.48), (20, 0.1)])
def test_one_stall_and_a_busy_machine_are_no_starvation(real: Real, seconds: int, by: float) -> None:
    found = reason(with_rows(real("s6"), slowed(seconds, by)), "STARVED")
    assert found is not None
    assert found.ok


def test_a_model_says_itself_when_it_was_starved(real: Real) -> None:
    history = real("s6")
    late = [[history.wall(float(t)), 0.5] for t in range(10, 22)]
    told = with_facts(history, (60.0, FactKind.WITNESS, {"pod": "p", "late": late}))
    found = reason(told, "STARVED")
    assert found is not None
    assert (found.value, found.ok) == (12, False)


def platform_pod(ready: bool, restarts: int = 0, role: str = "gateway", **more: object) -> dict[str, object]:
    return {"name": f"{role}-1", "namespace": "x", "role": role, "ready": ready, "restarts": restarts, **more}


def seen(history: History, *course: tuple[float, dict[str, object]]) -> Reason | None:
    """What the recording says of the platform's own parts."""
    told = with_facts(history, *((t, FactKind.PLATFORM_POD, body) for t, body in course))
    return reason(told, "PLATFORM_RESTARTED")


def test_a_gateway_that_was_down_decides_nothing_on_pods(real: Real) -> None:
    course = ((1.0, platform_pod(True)), (20.0, platform_pod(False, 1)), (30.0, platform_pod(True, 1)))
    found = seen(real("s6"), *course)
    assert found is not None
    assert (found.value, found.ok) == (11.0, False)
    assert "gateway" in found.remedy


@pytest.mark.parametrize(
    "course",
    [
        ((1.0, platform_pod(False)), (9.0, platform_pod(True))),
        ((1.0, platform_pod(True)), (9.0, platform_pod(False, deleting=True)), (12.0, platform_pod(False))),
        ((1.0, platform_pod(True, 4)),),
    ],
)
def test_parts_that_start_leave_or_had_restarted_before_disturb_nothing(
    real: Real, course: tuple[tuple[float, dict[str, object]], ...]
) -> None:
    found = seen(real("s6"), *course[:2])
    assert found is not None
    assert found.ok, found


def test_a_controller_that_restarts_stands_in_nobodys_way(real: Real) -> None:
    course = ((1.0, platform_pod(True, role="controller")), (9.0, platform_pod(False, 1, role="controller")))
    assert seen(real("s6"), *course) is None


def test_what_a_gateways_restart_lost_stays_the_platforms(real: Real) -> None:
    def lost(rows: Rows) -> Rows:
        rows["status"][50:90] = 503
        return rows

    course = ((1.0, platform_pod(True)), (20.0, platform_pod(True, 1)))
    told = with_facts(with_rows(real("s6"), lost), *((t, FactKind.PLATFORM_POD, body) for t, body in course))
    assert verdict(told, "INT-001") is Verdict.FAIL
    assert verdict(told, "CON-001") is Verdict.INCONCLUSIVE


def test_recordings_from_before_say_nothing_of_the_platforms_parts(real: Real) -> None:
    assert reason(mapped(real("s6"), lambda fact: fact), "PLATFORM_RESTARTED") is None


def test_every_check_that_counts_pods_depends_on_it() -> None:
    for check in REGISTRY.checks.values():
        assert "starved" in check.touches or check.counts is PodCounts.NONE


@pytest.mark.parametrize("scenario", ["target-concurrency", "scale-to-zero"])
def test_no_requirement_accuses_a_platform_for_its_starved_cluster(tmp_path: Path, scenario: str) -> None:
    run = simulate_scenario(scenarios()[scenario], tmp_path, 1, "starved-cluster")
    replace(run).write(tmp_path)
    judged = judge_run(tmp_path)
    assert [entry.requirement for entry in judged.judgements if entry.verdict is Verdict.FAIL] == []
    found = reason(judged.histories[scenario], "STARVED")
    assert found is not None
    assert not found.ok
