"""Each revision is held to its own maximum, whatever another one of the same service was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.judge.finding import NotShownError
from conformance.judge.history import History
from conformance.judge.judgement import Verdict
from conformance.recording.facts import Fact
from conformance.recording.pod_bodies import PodBody
from conformance.recording.run_bodies import ManifestBody, ManifestStage
from conformance.recording.service_bodies import PodAutoscalerBody
from tests.judge.shaping import look, mapped, with_body

Real = Callable[[str], History]


def rollout(real: Real, first: int | None, second: int | None) -> History:
    """A real rollout as if its two revisions had had these maxima.

    The first came to the 6 pods that its load asked for, the second to 3 of 3."""
    maxima = iter((first, second))

    def bounded(fact: Fact[Any]) -> Fact[Any]:
        if not isinstance(fact.body, ManifestBody) or fact.body.stage is not ManifestStage.APPLIED:
            return fact
        most = next(maxima)
        line = 'autoscaling.knative.dev/min-scale: "1"\n'
        more = f'{line}        autoscaling.knative.dev/max-scale: "{most}"\n'
        return fact if most is None else with_body(fact, text=str(fact.body.text).replace(line, more))

    return mapped(real("a6rollout"), bounded)


def test_a_first_revision_beyond_its_maximum_is_told_with_its_own_limit(real: Real) -> None:
    finding = look("maximum", rollout(real, 5, 9))
    assert finding.verdict is Verdict.FAIL
    assert (finding.measured.value, finding.expected.high) == (6, 5)
    assert finding.expected.statement == "never more than 5 pods, wanted or there"


def test_a_second_revision_beyond_its_maximum_is_told_with_its_own_limit(real: Real) -> None:
    finding = look("maximum", rollout(real, 9, 2))
    assert finding.verdict is Verdict.FAIL
    assert (finding.measured.value, finding.expected.high) == (3, 2)


def test_a_load_beyond_the_other_revisions_maximum_shows_nothing(real: Real) -> None:
    with pytest.raises(NotShownError, match=r"^the load asks for 6 pods only, not for more than the maximum$"):
        look("maximum", rollout(real, 7, 3))


def test_a_revision_without_a_maximum_does_not_hide_the_others(real: Real) -> None:
    assert look("maximum", rollout(real, None, 2)).expected.high == 2
    with pytest.raises(NotShownError, match=r"^no maximum is set$"):
        look("maximum", rollout(real, None, None))


def test_the_highest_count_is_told_where_the_maximum_was_not_reached(real: Real) -> None:
    history = rollout(real, 5, 5)
    late = [pod.name for pod in sorted(history.pods.values(), key=lambda pod: pod.seen)[4:]]

    def without(fact: Fact[Any]) -> Fact[Any] | None:
        hidden = isinstance(fact.body, PodAutoscalerBody) or (isinstance(fact.body, PodBody) and fact.body.name in late)
        return None if hidden else fact

    assert look("maximum", mapped(history, without)).measured.value == 4
