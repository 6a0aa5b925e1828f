"""Once a new revision has the traffic none goes elsewhere, and a predictor serves what its transformer was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.catalogue.scenario import scenarios
from conformance.judge.arrivals import Rows
from conformance.judge.finding import NotShownError
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.recording.facts import Fact
from conformance.recording.reader import Recording
from conformance.recording.run_bodies import WitnessBody
from conformance.recording.service_bodies import ServiceBody
from conformance.simulate.simulation import simulate_scenario
from tests.judge.shaping import look, mapped, with_body, with_rows


def recorded(folder: Path, scenario: str) -> History:
    run = simulate_scenario(scenarios()[scenario], folder, 1)
    return read(Recording(folder / str(run.scenarios[0].recording)))


@pytest.fixture(scope="module")
def rollout(tmp_path_factory: pytest.TempPathFactory) -> History:
    return recorded(tmp_path_factory.mktemp("rollout"), "rollout")


@pytest.fixture(scope="module")
def components(tmp_path_factory: pytest.TempPathFactory) -> History:
    return recorded(tmp_path_factory.mktemp("components"), "components-old")


def with_one_at_the_old(history: History, seconds: float) -> History:
    """The first request that was sent so long after the new revision was ready, answered by a pod of the old one."""
    old = next(iter(history.revisions.values()))
    code = [str(name) for name in history.loads[0].names].index(old.pods[0].name)

    def strayed(rows: Rows) -> Rows:
        rows["pod"][np.argmax(rows["sent"] > old.superseded + seconds)] = code
        return rows

    return with_rows(history, strayed)


def test_all_traffic_goes_to_the_new_revision(rollout: History) -> None:
    found = look("traffic-moves", rollout)
    assert found.verdict is Verdict.PASS
    assert (found.measured.samples or 0) > 500


@pytest.mark.parametrize(("seconds", "verdict"), [(5.0, Verdict.PASS), (15.0, Verdict.FAIL)])
def test_one_request_to_the_old_revision_counts_when_the_switch_is_over(
    rollout: History, seconds: float, verdict: Verdict
) -> None:
    assert look("traffic-moves", with_one_at_the_old(rollout, seconds)).verdict is verdict


@pytest.mark.parametrize(
    "changes",
    [
        {"traffic": [{"revisionName": "flowers-sample-predictor-00001", "percent": 50}, {"percent": 50}]},
        {"ready": ["Unknown", "RolloutInProgress"]},
    ],
)
def test_a_service_that_is_still_moving_its_traffic_may_go_on_with_both(
    rollout: History, changes: dict[str, Any]
) -> None:
    def moving(fact: Fact[Any]) -> Fact[Any]:
        return with_body(fact, **changes) if isinstance(fact.body, ServiceBody) else fact

    with pytest.raises(NotShownError, match="no new revision got the traffic"):
        look("traffic-moves", mapped(with_one_at_the_old(rollout, 15.0), moving))


def test_a_predictor_that_serves_more_than_callers_sent_was_called_twice(components: History) -> None:
    assert look("not-duplicated", components).verdict is Verdict.PASS

    def more(fact: Fact[Any], only: str) -> Fact[Any]:
        if not isinstance(fact.body, WitnessBody) or f"-{only}-" not in fact.body.pod:
            return fact
        return with_body(fact, served=fact.body.served + 40)

    found = look("not-duplicated", mapped(components, lambda fact: more(fact, "predictor")))
    assert found.verdict is Verdict.FAIL
    assert any("predictor served" in fact for fact in found.facts)


def test_how_often_another_transformer_asks_is_its_own_affair(components: History) -> None:
    def alone(fact: Fact[Any]) -> Fact[Any] | None:
        if not isinstance(fact.body, WitnessBody):
            return fact
        return None if "-transformer-" in fact.body.pod else with_body(fact, served=fact.body.served + 40)

    assert look("not-duplicated", mapped(components, alone)).verdict is Verdict.PASS
