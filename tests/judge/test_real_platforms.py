"""What a real Kubernetes and Knative did under the documented loads is conforming, whatever surprises one in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.judge import serial
from conformance.judge.band import band
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, build
from conformance.judge.judgement import POWER, Judgement, Verdict
from conformance.judge.judging import judge_run
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_record import Run
from tests.judge.shaping import look, mapped

Real = Callable[[str], History]

LEAST_SHOWN = 6
"""Checks of counts to which each of these recordings has an answer, at the least."""
NAMES = (
    "a1gpu", "a2cc12", "a2cc30d", "a3down", "a4poisson", "a6rollout", "a7slow", "a8twenty", "s1", "s2", "s2b", "s3",
    "s4", "s5", "s5one", "s5tbc0", "s5z", "s6", "s7burst", "s7rampb", "s8",
)  # fmt: skip


@pytest.fixture(scope="module")
def judged(good_run: Path) -> tuple[Judgement, ...]:
    return judge_run(good_run).judgements


@pytest.mark.long
def test_no_applicable_requirement_fails_on_a_real_platform(judged: tuple[Judgement, ...]) -> None:
    wrong = [entry.requirement for entry in judged if entry.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
             and {reason.code for reason in entry.reasons} != {POWER}]  # fmt: skip
    assert wrong == []
    assert sum(entry.verdict is Verdict.PASS for entry in judged) >= 50


def test_judging_again_gives_the_same_bytes(good_run: Path, tmp_path: Path) -> None:
    run = Run.read(good_run)
    few = tuple(entry for entry in run.scenarios if entry.name.removesuffix("-run1") in ("s1", "s5z", "a1gpu"))
    assert len(few) == 3
    replace(run, scenarios=few, selected=tuple(entry.name for entry in few)).write(tmp_path)
    (tmp_path / "recording").symlink_to(good_run / "recording")
    assert serial.dump(judge_run(tmp_path).judgements) == serial.dump(judge_run(tmp_path).judgements)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_platform_stays_inside_the_band(real: Real, name: str) -> None:
    assert look("band", real(name)).measured.value <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_no_check_of_counts_accuses_a_real_platform(real: Real, name: str) -> None:
    checks = ("peak", "panic-entered", "panic-holds", "panic-left", "no-panic", "minimum", "maximum", "back-to-minimum",
              "steady", "no-flapping", "halves-at-most", "pods-follow", "reaches-zero", "zero-not-before",
              "stays-at-zero", "few-from-zero", "leaves-in-time", "not-duplicated", "balanced")  # fmt: skip
    shown = {}
    for check in checks:
        with suppress(NotShownError):
            shown[check] = look(check, real(name)).verdict
    assert len(shown) >= LEAST_SHOWN
    assert set(shown.values()) == {Verdict.PASS}, shown


def test_one_pod_going_to_two_may_panic(real: Real) -> None:
    history = real("s5one")
    revision = next(iter(history.revisions.values()))
    assert band(history, revision).may_panic.any()


def test_two_pods_growing_to_four_need_not_panic(real: Real) -> None:
    history = real("s7rampb")
    revision = next(iter(history.revisions.values()))
    assert not band(history, revision).must_panic.any()


def test_both_seven_and_eight_pods_are_right_for_five_fast_requests(real: Real) -> None:
    assert look("peak", real("a8twenty")).measured.value == 7
    assert look("peak", real("s6")).measured.value == 8


def test_an_answer_before_readiness_is_no_offence(real: Real) -> None:
    history = real("s5")
    first = history.loads[1].rows["end"].min()
    ready = min(pod.first_ready for pod in history.pods.values() if pod.seen > history.loads[1].start - 1)
    assert first < ready
    assert look("held-at-zero", history).verdict is Verdict.PASS


def test_panic_entry_depends_on_the_tick(real: Real) -> None:
    for name in ("s1", "s6", "s7burst", "s8"):
        assert look("panic-entered", real(name)).verdict is Verdict.PASS


def test_intermediate_counts_may_differ(real: Real) -> None:
    assert look("band", real("s2")).measured.value == 0


def test_the_stable_mean_depends_on_the_age_of_the_window(real: Real) -> None:
    for name in ("s5", "s5z"):
        assert look("band", real(name)).measured.value == 0


def test_terminating_pods_do_not_count(real: Real) -> None:
    history = real("s6")
    assert look("leaves-in-time", history).measured.value > 30
    assert look("back-to-minimum", history).measured.value == 1


@pytest.mark.parametrize(("ends", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_a_pod_has_left_when_its_containers_have_ended(real: Real, ends: bool, verdict: Verdict) -> None:
    """On a busy kind cluster a kubelet took a pod off the API 31 s after its containers had ended, 63 s after it was
    chosen: how soon a node tidies up says nothing of how long a pod drains."""

    def linger(fact: Fact[Any]) -> Fact[Any] | None:
        if not isinstance(fact.body, PodBody):
            return fact
        if fact.body.change is ChangeType.DELETED:
            return Fact.of(fact.t + 40.0, fact.wall + 40.0, fact.kind, fact.body.plain())
        return fact if ends or fact.body.phase != "Succeeded" else None

    history = mapped(real("s6"), linger)
    history = build(history.recording, tuple(sorted(history.facts, key=lambda fact: fact.t)), history.loads)
    assert look("leaves-in-time", history).verdict is verdict


def test_the_wanted_count_is_judged_after_bounds(real: Real) -> None:
    assert look("maximum", real("s4")).measured.value == 1


def test_settled_counts_are_judged_by_what_the_window_holds(real: Real) -> None:
    assert look("band", real("s7burst")).measured.value == 0


def test_demand_lies_between_model_and_client(real: Real) -> None:
    history = real("a8twenty")
    limits = band(history, next(iter(history.revisions.values())))
    least, most = limits.demand.mean(__import__("numpy").arange(limits.demand.start + 5, limits.demand.end - 5, 1.0))
    assert 4.3 < least.mean() < 4.6
    assert 4.95 < most.mean() <= 5.01


def test_the_pods_own_queue_shows_without_the_activator_only(real: Real) -> None:
    assert look("pod-queue", real("a2cc30d")).measured.value == 11
    with pytest.raises(NotShownError):
        look("pod-queue", real("a2cc12"))


def test_panic_lasts_while_accelerators_are_missing(real: Real) -> None:
    history = real("a1gpu")
    assert look("panic-holds", history).verdict is Verdict.PASS
    assert look("accelerator-capacity", history).measured.value == 2


def test_from_zero_one_request_makes_two_pods(real: Real) -> None:
    assert look("few-from-zero", real("s5one")).measured.value == 2


def test_fifteen_pods_halve_to_seven_when_panic_ends(real: Real) -> None:
    assert look("halves-at-most", real("a3down")).verdict is Verdict.PASS


def test_a_replaced_revision_keeps_its_pods_until_its_panic_ends(real: Real) -> None:
    assert look("old-revision-goes", real("a6rollout")).measured.value > 60
