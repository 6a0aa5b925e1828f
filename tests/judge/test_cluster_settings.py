"""Settings of the cluster that bound or start what a service asks for, and what a revision or an activator is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from clusters.embedded.faults.derived import mutants
from conformance.catalogue.scenario import scenarios
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.recording.reader import Recording
from conformance.simulate.rule_matrix import attempt
from conformance.simulate.simulation import simulate_scenario
from tests.judge.shaping import look

ZERO = {"allow-zero-initial-scale": "true", "initial-scale": "0"}
LIMIT = {"max-scale-limit": "5", "max-scale": "5"}


def recorded(folder: Path, scenario: str, fault: str | None, autoscaler: Mapping[str, str]) -> History:
    run = simulate_scenario(scenarios()[scenario], folder, 1, fault, autoscaler)
    return read(Recording(folder / str(run.scenarios[0].recording)))


@pytest.mark.parametrize(
    ("fault", "pods"), [(None, 0.0), ("key-allow-zero-initial-scale/dropped", 1.0)], ids=["honest", "ignored"]
)
def test_a_service_may_start_without_a_pod_where_the_cluster_allows_it(
    tmp_path: Path, fault: str | None, pods: float
) -> None:
    found = look("starts-with", recorded(tmp_path, "scale-to-zero-old", fault, ZERO))
    assert found.verdict is (Verdict.PASS if fault is None else Verdict.FAIL)
    assert found.measured.value == pods


@pytest.mark.parametrize("fault", [None, "key-max-scale-limit/dropped"], ids=["honest", "ignored"])
def test_a_maximum_beyond_the_limit_of_the_cluster_does_not_reach_a_revision(tmp_path: Path, fault: str | None) -> None:
    found = look("settings-reach", recorded(tmp_path, "live-bounds", fault, LIMIT))
    assert found.verdict is (Verdict.PASS if fault is None else Verdict.FAIL)
    if fault is not None:
        assert any("the cluster allows 5 at the most" in fact for fact in found.facts)


@pytest.mark.parametrize(
    "name", ["annotation-metric-aggregation-algorithm-in-the-autoscaler/dropped", "share-of-an-activator/wrong-object"]
)
def test_what_a_revision_or_an_activator_is_told_and_does_not_do_is_caught(name: str) -> None:
    assert attempt(mutants()[name].mutation).caught
