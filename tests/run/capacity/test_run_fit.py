"""A run on a cluster that is too small: what is left out, and what is stopped; in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import virtual_clock
from conformance.catalogue.scenario import Budget, Scenario, Step, scenarios
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_run
from conformance.kube.cluster import Cluster, Provider
from conformance.load.load_plan import LoadPlan, LoadShape, Phase
from conformance.recording.run_record import Run
from tests.run.virtual_campaign import campaign, short

SETTLE = Step("settle", seconds=5.0)


class Containers:
    """The embedded platform, taken for one whose pods are containers."""

    def __init__(self, options: PlatformOptions) -> None:
        self._options = options

    def around(self, _: Provider) -> Provider:
        return self

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        async with EmbeddedProvider(clock=virtual_clock(), seed=1, options=self._options).open() as cluster:
            installation = replace(cluster.installation, distribution="kind")
            yield replace(cluster, provider="existing", installation=installation, owned=False)


def needing(pods: int, scenario: Scenario) -> Scenario:
    return replace(scenario, budget=Budget(pods=pods))


def test_what_has_no_room_is_left_out_and_is_inconclusive_with_the_reason(tmp_path: Path) -> None:
    chosen = [
        needing(30, short("target-concurrency", SETTLE)),
        needing(4, short("standard-cpu", SETTLE)),
    ]
    opening = Containers(PlatformOptions(nodes=1, max_pods=20)).around
    recorded, shown = campaign(tmp_path / "run", chosen, opening=opening)
    outcomes = {entry.name: (entry.outcome, entry.reason) for entry in recorded.run.scenarios}
    assert outcomes["standard-cpu"] == ("complete", "")
    assert outcomes["target-concurrency"][0] == "skipped"
    assert outcomes["target-concurrency"][1].startswith("needs 30 pods; 1 nodes, free")
    assert "a pod takes" in shown
    assert "at most 20 pods side by side, not 300" in shown
    judged = judge_run(tmp_path / "run")
    judgement = judged.by_id["CON-001"]
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert [reason.code for reason in judgement.reasons] == ["CAPACITY_ROOM"]
    assert Run.read(tmp_path / "run") == recorded.run


def test_what_would_take_the_metrics_of_others_away_is_left_out_of_their_cluster(tmp_path: Path) -> None:
    away = replace(scenarios()["standard-away"], steps=(Step("metrics-away", seconds=1.0),))
    opening = Containers(PlatformOptions(nodes=1)).around
    recorded, shown = campaign(tmp_path / "run", [away], opening=opening)
    assert recorded.run.scenarios[0].outcome == "not-ours"
    assert "left out: standard-away: it takes the metrics API away" in shown
    replace(recorded.run, profiles=("standard-scaling",)).write(tmp_path / "run")
    judgement = judge_run(tmp_path / "run").by_id["HPA-022"]
    assert [(reason.code, reason.ok) for reason in judgement.reasons] == [("NOT_OURS", False)]


def test_a_load_that_the_cluster_does_not_carry_ends_its_scenario_early(tmp_path: Path) -> None:
    load = Step("load", plan=LoadPlan((Phase(LoadShape.CONSTANT, 300.0, rate=20.0),)), service_ms=2000)
    chosen = [needing(4, short("target-concurrency", load))]
    opening = Containers(PlatformOptions(nodes=1, max_pods=12)).around
    recorded, _ = campaign(tmp_path / "run", chosen, opening=opening)
    (entry,) = recorded.run.scenarios
    assert entry.outcome == "failed"
    assert entry.reason.startswith("OVERLOADED: ")
    assert "of them without a node, where at most 8 were expected" in entry.reason
    assert entry.finished_wall - entry.started_wall < 120.0
