"""One revision replaces another: by whose minimum pods are held, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.judge.band import band
from conformance.judge.finding import NotShownError
from conformance.judge.history import History
from conformance.judge.judgement import Verdict
from conformance.recording.facts import Fact, FactKind
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_bodies import ConfigBody, ManifestBody, ManifestStage
from conformance.recording.service_bodies import PodAutoscalerBody, RevisionBody
from tests.judge.shaping import look, mapped, with_body, with_facts

Real = Callable[[str], History]
MINIMUM = 'autoscaling.knative.dev/min-scale: "1"\n'
WINDOW = '        autoscaling.knative.dev/window: "30s"\n'
READY_SECONDS = 124.9
"""When the second revision was ready."""


def minima(history: History, first: int, second: int) -> History:
    """A real rollout as if its two revisions had had these minima, and windows of half a minute."""
    counts = iter((first, second))

    def asked(fact: Fact[Any]) -> Fact[Any]:
        if not isinstance(fact.body, ManifestBody) or fact.body.stage is not ManifestStage.APPLIED:
            return fact
        wanted = MINIMUM.replace('"1"', f'"{next(counts)}"') + WINDOW
        return with_body(fact, text=str(fact.body.text).replace(MINIMUM, wanted))

    return mapped(history, asked)


def gone(history: History, moment: float, revision: str = "") -> History:
    """The rollout with the pods of both revisions, or of one, chosen for removal at a moment."""
    last = {pod.name: pod for pod in (fact.body for fact in history.of(PodBody)) if pod.revision.endswith(revision)}
    kept = mapped(history, lambda fact: None if _later(fact, moment, last) else fact)
    there = {fact.body.name for fact in kept.of(PodBody)}
    wall = history.wall(moment)
    leaving = [
        (moment, FactKind.POD, {**pod.plain(), "deleting": True, "deletion_wall": wall})
        for name, pod in last.items()
        if name in there
    ]
    return with_facts(kept, *leaving)


def _later(fact: Fact[Any], moment: float, pods: dict[str, PodBody]) -> bool:
    return isinstance(fact.body, PodBody) and fact.body.name in pods and fact.t >= moment


@pytest.mark.parametrize("minimum", [0, 1])
@pytest.mark.parametrize(("seconds", "early"), [(15.0, True), (29.5, False)])
def test_an_idle_new_revision_may_go_after_a_stable_window(
    real: Real, minimum: int, seconds: float, early: bool
) -> None:
    history = gone(minima(real("a6rollout"), 1, minimum), READY_SECONDS + seconds)
    found = look("rollout-holds", history)
    assert found.verdict is (Verdict.FAIL if early or minimum else Verdict.PASS)


def test_an_idle_old_revision_may_go_before_the_new_one_is_ready(real: Real) -> None:
    history = gone(minima(real("a6rollout"), 0, 1), 115.0, "00001")
    assert look("rollout-holds", history).verdict is Verdict.PASS
    history = gone(minima(real("a6rollout"), 1, 1), 115.0, "00001")
    assert look("rollout-holds", history).verdict is Verdict.FAIL


def staying(real: Real, grace: str) -> History:
    """The rollout with an old revision that keeps all of its pods, on a cluster with this grace."""

    def changed(fact: Fact[Any]) -> Fact[Any] | None:
        body = fact.body
        if isinstance(body, PodBody) and body.revision.endswith("00001") and body.deleting:
            return None
        return set_up(fact, **{"scale-to-zero-grace-period": grace})

    return mapped(real("a6rollout"), changed)


def set_up(fact: Fact[Any], **settings: str) -> Fact[Any]:
    """The fact with these settings, where it is about the autoscaler's."""
    mine = isinstance(fact.body, ConfigBody) and fact.body.source == "config-autoscaler"
    return with_body(fact, data=settings) if mine else fact


@pytest.mark.parametrize(("seconds", "verdict"), [(276.0, Verdict.PASS), (283.0, Verdict.FAIL)])
def test_the_last_pod_of_the_old_revision_waits_out_the_grace(real: Real, seconds: float, verdict: Verdict) -> None:
    """The activator is in the path from when the first pod is ready at the latest, at 13 s here."""

    history = gone(staying(real, "250s"), seconds, "00001")
    assert look("old-revision-goes", history).verdict is verdict


@pytest.mark.parametrize(("grace", "verdict"), [("300s", Verdict.PASS), ("30s", Verdict.FAIL)])
def test_pods_of_an_old_revision_on_its_way_to_zero_are_none_too_many(real: Real, grace: str, verdict: Verdict) -> None:
    assert look("back-to-minimum", staying(real, grace)).verdict is verdict


@pytest.mark.parametrize(("retention", "verdict"), [("60s", Verdict.PASS), ("20s", Verdict.FAIL)])
def test_the_last_pod_of_a_new_revision_stays_for_its_retention(real: Real, retention: str, verdict: Verdict) -> None:
    """The load ends at 191 s, the windows are of half a minute."""
    settings = {"scale-to-zero-grace-period": "60s", "scale-to-zero-pod-retention-period": retention}
    history = mapped(minima(real("a6rollout"), 1, 0), lambda fact: set_up(fact, **settings))
    assert look("reaches-zero", gone(history, 285.0, "00002")).verdict is verdict


def podless(history: History) -> History:
    """The rollout with a new revision that is ready without a pod, as with an initial scale of zero."""

    def changed(fact: Fact[Any]) -> Fact[Any] | None:
        body = fact.body
        if isinstance(body, RevisionBody) and body.name.endswith("00002"):
            return with_body(fact, ready=["True", ""])
        seen = isinstance(body, PodBody | PodAutoscalerBody) and body.revision.endswith("00002")
        return None if seen else fact

    return gone(mapped(history, changed), 190.0)


def test_a_revision_that_needs_no_pod_takes_over_when_it_is_ready(real: Real) -> None:
    first, second = podless(real("a6rollout")).revisions.values()
    assert first.superseded == second.seen == second.became_ready


def test_the_minimum_is_that_of_a_revision_that_took_over_without_a_pod(real: Real) -> None:
    history = podless(minima(real("a6rollout"), 1, 0))
    with pytest.raises(NotShownError, match="the minimum is zero"):
        look("minimum", history)
    assert look("back-to-minimum", history).verdict is Verdict.PASS


def test_a_revision_with_pods_takes_over_with_the_first_of_them(real: Real) -> None:
    first, second = real("a6rollout").revisions.values()
    assert first.superseded == min(pod.first_ready for pod in second.pods)
    assert second.became_ready > first.superseded


def test_the_old_revision_keeps_its_minimum_until_all_pods_of_the_new_one_are_ready(real: Real) -> None:
    """The first pod is ready at 125 s; a minimum of several makes a revision Ready with the last of them."""
    history = minima(real("a6rollout"), 3, 3)
    (second,) = [fact.body for fact in history.of(RevisionBody) if fact.body.name.endswith("00002")]
    late = with_facts(history, (280.0, FactKind.REVISION, {**second.plain(), "ready": ["True", ""]}))
    for changed, most in ((history, 1.0), (late, 3.0)):
        old = next(iter(changed.revisions.values()))
        limits = band(changed, old)
        assert limits.high[limits.index(275.0)] == most
        assert limits.low[limits.index(275.0)] == 0.0
