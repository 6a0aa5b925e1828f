"""A run that the harness, the observer or the capacity limited ends INCONCLUSIVE with its code, never FAIL or PASS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.catalogue.requirement import Requirement
from conformance.judge import capacity_validity, validity
from conformance.judge.arrivals import Load, Rows
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, build
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.recording.body import ChangeType
from conformance.recording.facts import Fact, FactKind
from conformance.recording.load_lines import GeneratorSecond
from conformance.recording.pod_bodies import PodBody
from conformance.recording.rows import RowError
from conformance.recording.run_bodies import ConfigBody
from conformance.recording.run_record import Deviation
from conformance.recording.shape import JsonObject
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
    busy = tuple(GeneratorSecond(float(t), cpu_share=1.0) for t in range(30))
    saturated = build(history.recording, history.facts, (replace(load, health=busy),))
    assert codes(saturated, "RPS-001") == ["GENERATOR_CPU"]


def test_a_sender_that_falls_behind_is_inconclusive(real: Real) -> None:
    def late(rows: Rows) -> Rows:
        rows["sent"] += 2.0
        rows["end"] += 2.0
        return rows

    assert "SCHEDULE_LAG_P_SECONDS" in codes(with_rows(real("s3"), late), "RPS-001")


def test_a_starved_embedded_platform_is_inconclusive_for_all_it_did(real: Real) -> None:
    beats = [
        (float(t), FactKind.HARNESS, {"loop_lag_seconds": 0.0, "platform_lag_seconds": 0.8 * (t == 40)})
        for t in range(60)
    ]
    history = with_facts(real("s6"), *beats)
    for name in ("CON-001", "CON-002", "PAN-001", "INT-001"):
        assert codes(history, name) == ["PLATFORM_LAG_SECONDS"]


def test_arrivals_that_were_never_sent_are_inconclusive(real: Real) -> None:
    def dropped(rows: Rows) -> Rows:
        rows["error"][::10] = RowError.DROPPED
        rows["sent"][::10] = np.nan
        return rows

    assert "OFFERED_LOAD_RATIO" in codes(with_rows(real("s3"), dropped), "RPS-001")


def test_a_closed_loop_whose_callers_stall_is_inconclusive(real: Real) -> None:
    def stalled(rows: Rows) -> Rows:
        start = rows["sent"].min()
        gone = (rows["sent"] > start + 10) & (rows["sent"] < start + 20)
        kept: np.ndarray = rows[~gone]
        return kept

    history = real("s6")
    load = history.loads[0]
    broken = build(history.recording, history.facts, (replace(load, rows=stalled(load.rows)),))
    assert "OFFERED_LOAD_RATIO" in codes(broken, "CON-001")


def test_a_starved_harness_is_inconclusive(real: Real) -> None:
    lag = [(100.0 + t, FactKind.HARNESS, {"loop_lag_seconds": 2.0}) for t in range(5)]
    assert codes(with_facts(real("s6"), *lag), "CON-001") == ["LOOP_LAG_SECONDS"]


def test_a_dropped_watch_is_inconclusive(real: Real) -> None:
    gap = (60.0, FactKind.GAP, {"kind": "pods", "from": 55.0, "to": 60.0, "reason": "connection reset"})
    assert codes(with_facts(real("s6"), gap), "BND-001") == ["OBSERVER_GAP_SECONDS"]


def test_a_throttled_client_is_inconclusive(real: Real) -> None:
    gap = (60.0, FactKind.GAP, {"kind": "pods", "from": 59.9, "to": 60.0, "reason": "status 429"})
    assert codes(with_facts(real("s6"), gap), "BND-001") == ["API_THROTTLED"]


@pytest.mark.parametrize("seconds", [7.0, -7.0])
def test_clocks_that_differ_are_inconclusive_for_what_counts_by_the_clusters_seconds(
    real: Real, seconds: float
) -> None:
    def told(fact: Fact[Any]) -> Fact[Any]:
        created = getattr(fact.body, "created_wall", None)
        return fact if created is None else with_body(fact, created_wall=created + seconds)

    clock = (50.0, FactKind.CLOCK, {"skew_seconds": seconds, "round_trip_seconds": 0.01})
    skewed = with_facts(mapped(real("s6"), told), clock)
    for name in ("CON-001", "CON-002", "PAN-001", "PAN-002", "PAN-003"):
        assert codes(skewed, name) == ["CLOCK_SKEW_SECONDS"]
    assert judge_history(skewed, requirement("BND-001"), Context()).verdict is Verdict.PASS


def test_a_clock_that_differs_is_not_taken_for_late_watching(real: Real) -> None:
    def behind(fact: Fact[Any]) -> Fact[Any]:
        added = isinstance(fact.body, PodBody) and fact.body.change is ChangeType.ADDED
        return with_body(fact, created_wall=float(int(fact.wall)) - 7.0) if added else fact

    told = with_facts(mapped(real("s6"), behind), (50.0, FactKind.CLOCK, {"skew_seconds": -7.0}))
    assert [reason.code for reason in validity.of(told) if not reason.ok] == ["CLOCK_SKEW_SECONDS"]


def test_pods_seen_long_after_they_were_made_are_inconclusive(real: Real) -> None:
    def late(fact: Fact[Any]) -> Fact[Any]:
        added = isinstance(fact.body, PodBody) and fact.body.change is ChangeType.ADDED
        return with_body(fact, created_wall=float(int(fact.wall)) - 7.0) if added else fact

    assert codes(mapped(real("s6"), late), "BND-001") == ["OBSERVER_LAG_SECONDS"]


def test_too_small_a_cluster_is_inconclusive(real: Real) -> None:
    history = real("s6")
    last = list(history.pods)[-1]

    def stuck(fact: Fact[Any]) -> Fact[Any] | None:
        if not isinstance(fact.body, PodBody) or fact.body.name != last:
            return fact
        text = "0/1 nodes are available: 1 Insufficient cpu."
        return with_body(
            fact, phase="Pending", ready=False, scheduled=False, reason="Unschedulable", message=text, deleting=False
        )

    assert codes(mapped(history, stuck), "CON-001") == ["CAPACITY_PODS"]


def test_pods_without_accelerator_are_no_lack_of_capacity(real: Real) -> None:
    assert [reason for reason in validity.of(real("a1gpu")) if not reason.ok] == []


def test_a_cluster_without_any_free_accelerator_is_inconclusive(real: Real) -> None:
    def none_free(fact: Fact[Any]) -> Fact[Any]:
        if fact.kind is not FactKind.POD:
            return fact
        text = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
        return with_body(
            fact, phase="Pending", ready=False, scheduled=False, reason="Unschedulable", message=text, containers=[]
        )

    barren = mapped(real("a1gpu"), none_free)
    for name in ("GPU-001", "GPU-002", "GPU-003"):
        assert codes(barren, name) == ["CAPACITY_PODS"]
    assert "accelerator" in validity.against(barren, ["capacity"])[0].remedy


def test_a_quota_that_is_used_up_is_inconclusive(real: Real) -> None:
    text = 'pods "x" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5'
    event = (60.0, FactKind.EVENT, {"kind": "ReplicaSet", "name": "x", "reason": "FailedCreate", "message": text})
    assert codes(with_facts(real("s6"), event), "CON-001") == ["CAPACITY_PODS"]


def test_an_image_that_takes_long_is_inconclusive(real: Real) -> None:
    history = real("s6")
    text = 'Successfully pulled image "witness" in 1m35.2s (1m35.2s including waiting). Image size: 9 bytes.'
    event = (
        30.0,
        FactKind.EVENT,
        {"kind": "Pod", "name": next(iter(history.pods)), "reason": "Pulled", "message": text},
    )
    assert codes(with_facts(history, event), "CON-001") == ["IMAGE_PULL_SHARE"]


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ('Successfully pulled image "a" in 350ms (350ms including waiting).', 0.35),
        ('Successfully pulled image "a" in 2.5s (2.5s including waiting).', 2.5),
        ('Successfully pulled image "a" in 2m3s (2m3s including waiting).', 123.0),
        ('Container image "a" already present on machine', 0.0),
    ],
)
def test_the_kubelet_tells_how_long_a_pull_took(message: str, seconds: float) -> None:
    assert capacity_validity.pull_seconds(message) == pytest.approx(seconds)


def test_a_container_that_dies_is_inconclusive_for_what_its_callers_got(real: Real) -> None:
    history = real("s6")
    last = list(history.pods)[-1]

    def died(fact: Fact[Any]) -> Fact[Any]:
        if not isinstance(fact.body, PodBody) or fact.body.name != last:
            return fact
        return with_body(fact, containers=[{"name": "kserve-container", "ready": True, "restarts": 1}])

    assert codes(mapped(history, died), "INT-001") == ["CONTAINER_RESTARTS"]
    assert judge_history(mapped(history, died), requirement("BND-001"), Context()).verdict is Verdict.PASS


def test_images_that_cannot_be_pulled_are_inconclusive(real: Real) -> None:
    history = real("s6")
    last = list(history.pods)[-1]

    def pulling(fact: Fact[Any]) -> Fact[Any]:
        if not isinstance(fact.body, PodBody) or fact.body.name != last:
            return fact
        waiting = [{"name": "kserve-container", "ready": False, "restarts": 0, "reason": "ImagePullBackOff"}]
        return with_body(fact, ready=False, containers=waiting)

    assert codes(mapped(history, pulling), "CON-001") == ["IMAGE_PULL_SHARE"]


def test_answers_from_something_else_are_inconclusive(real: Real) -> None:
    history = real("s4")
    load = history.loads[0]
    nobody = np.full_like(load.names, "")
    foreign = build(history.recording, history.facts, (replace(load, names=nobody),))
    assert codes(foreign, "LIM-001") == ["WITNESS_MISSING"]


def test_a_configuration_that_changes_is_inconclusive(real: Real) -> None:
    changed = (80.0, FactKind.CONFIG, {"source": "config-autoscaler", "data": {"stable-window": "30s"}})
    assert codes(with_facts(real("s6"), changed), "CON-001") == ["CONFIGURATION_CHANGED"]


def test_a_configuration_that_changed_and_changed_back_is_inconclusive(real: Real) -> None:
    def versioned(fact: Fact[Any]) -> Fact[Any]:
        is_read = isinstance(fact.body, ConfigBody) and fact.body.source == "config-autoscaler"
        return with_body(fact, version="17") if is_read else fact

    history = real("s6")
    same = {"source": "config-autoscaler", "data": history.config("config-autoscaler"), "version": "19"}
    assert codes(with_facts(mapped(history, versioned), (80.0, FactKind.CONFIG, same)), "CON-001") == [
        "CONFIGURATION_CHANGED"
    ]


def test_an_autoscaler_that_was_restarted_is_inconclusive(real: Real) -> None:
    source = {"source": "autoscaler-pods", "data": {"pods": "1"}}
    before = (1.0, FactKind.CONFIG, {**source, "version": "a"})
    restarted = with_facts(real("s6"), before, (80.0, FactKind.CONFIG, {**source, "version": "b"}))
    for name in ("CON-001", "PAN-002", "BND-001"):
        assert codes(restarted, name) == ["CONFIGURATION_CHANGED"]
    assert validity.against(restarted, ["config"])[0].remedy.startswith("the autoscaler's pods changed")


def test_a_changed_default_is_named(real: Real) -> None:
    before = (20.0, FactKind.CONFIG, {"source": "config-defaults", "data": {"container-concurrency": "0"}})
    after = (80.0, FactKind.CONFIG, {"source": "config-defaults", "data": {"container-concurrency": "7"}})
    (reason,) = validity.against(with_facts(real("s6"), before, after), ["config"])
    assert reason.remedy.startswith("config-defaults changed")


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
    history = mapped(real("s6"), lambda fact: with_body(fact, outcome=outcome) if fact.kind is FactKind.END else fact)
    assert codes(history, "CON-001") == [code]


def test_a_recording_that_breaks_off_is_inconclusive(real: Real) -> None:
    history = mapped(real("s6"), lambda fact: None if fact.kind is FactKind.END or fact.t > 60 else fact)
    assert codes(history, "CON-001") == ["RECORDING_INTERRUPTED"]


def test_too_few_samples_are_inconclusive_in_a_run_of_ours(real: Real) -> None:
    history = real("s8")
    header = replace(
        history.recording.header, scenario_spec={**history.recording.header.scenario_spec, "imported": False}
    )

    class Ours:
        def __init__(self) -> None:
            self.header = header
            self.folder = Path("x")

    ours = build(Ours(), history.facts, history.loads)
    assert codes(ours, "ZER-001") == ["SAMPLE_SIZE"]


class Noted(tuple[Load, ...]):
    """Loads that note whether anyone looked at them."""

    seen = False

    def __iter__(self) -> Iterator[Load]:
        self.seen = True
        return super().__iter__()

    def __getitem__(self, at: Any) -> Any:
        self.seen = True
        return super().__getitem__(at)


class Watched(History):
    """A history that notes which of its parts a check looks at."""

    loads: Noted

    @cached_property
    def sources(self) -> set[str]:
        """Configuration that was looked at."""
        return set()

    def config(self, source: str) -> JsonObject | None:
        self.sources.add(source)
        return super().config(source)


def watched(history: History) -> Watched:
    parts = {part.name: getattr(history, part.name) for part in fields(History)}
    return Watched(**{**parts, "loads": Noted(history.loads)})


@pytest.mark.parametrize(
    "name",
    ["a1gpu", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("a6rollout", "s5z", "a2cc30d"))],
)
def test_a_check_declares_what_it_looks_at(real: Real, name: str) -> None:
    undeclared = []
    for check in REGISTRY.checks.values():
        history = watched(real(name))
        wanted = next((entry for entry in catalogue() if entry.check == check.name), None)
        if wanted is None:
            continue  # for requirements of somebody's own
        try:
            check.look(history, wanted.parameters)
        except NotShownError:
            continue
        if "config" not in check.touches and "config-autoscaler" in history.sources:
            undeclared.append(f"{check.name}: config")
        if "load" not in check.touches and history.loads.seen:
            undeclared.append(f"{check.name}: load")
    assert undeclared == []


def test_every_code_has_a_kind_and_a_remedy(real: Real) -> None:
    codes_found = [reason.code for reason in validity.of(real("s6"))]
    assert codes_found == [check.code for check in validity.CHECKS if check.code in codes_found]
    touched = {kind for check in REGISTRY.checks.values() for kind in check.touches} | validity.ALWAYS
    for check in validity.CHECKS:
        assert check.kind in touched
        assert check.remedy
