"""All scenarios of a run, in virtual time: what is recorded, what is deleted, how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conformance.base.errors import PlatformError
from conformance.base.tasks import tasks
from conformance.catalogue.scenario import Step
from conformance.judge.judging import judge_run
from conformance.kube.cluster import Cluster, Provider
from conformance.kube.resources import NAMESPACES
from conformance.kube.verbs import list_all
from conformance.recording.reader import Recording
from conformance.recording.run_record import Run
from conformance.run.campaign import Campaign, Recorded
from conformance.settings.settings import Budgets
from tests.run.virtual_campaign import RUN, campaign, facts, short

SETTLE = Step("settle", seconds=5.0)


class Watched:
    """A provider that tells which namespaces of the run are still there when its cluster closes."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.left: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        async with self._provider.open() as cluster:
            try:
                yield cluster
            finally:
                items, _ = await list_all(cluster.api, NAMESPACES)
                names = [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]
                self.left += [name for name in names if name.startswith("cf-")]


class Unavailable:
    """A provider without a cluster."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        raise PlatformError("no cluster at 192.168.7.9: connection refused; start it")
        yield


class Dying:
    """A provider whose cluster goes away after half a minute."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        async def die() -> None:
            await asyncio.sleep(30.0)
            raise PlatformError("the cluster ran out of memory")

        async with self._provider.open() as cluster, tasks() as group:
            group.create_task(die())
            yield cluster


def test_every_scenario_is_recorded_and_its_namespace_deleted(tmp_path: Path) -> None:
    chosen = [short("standard-cpu", SETTLE), short("target-concurrency", SETTLE)]
    watched: list[Watched] = []

    def watching(provider: Provider) -> Provider:
        watched.append(Watched(provider))
        return watched[0]

    recorded, shown = campaign(tmp_path / "run", chosen, opening=watching)
    assert [entry.outcome for entry in recorded.run.scenarios] == ["complete", "complete"]
    assert (recorded.interrupted, recorded.error, recorded.run.leftovers) == (False, None, ())
    assert watched[0].left == []
    assert Run.read(tmp_path / "run") == recorded.run
    assert recorded.run.environment["accelerator"]["count"] > 0
    for scenario in chosen:
        assert facts(tmp_path / "run", scenario.name)[-1][1] == "end"
    assert "target-concurrency  complete" in shown


def test_scenarios_start_a_second_apart_in_the_order_given(tmp_path: Path) -> None:
    chosen = [short("standard-cpu", SETTLE, called=name) for name in ("first", "second", "third")]
    recorded, _ = campaign(tmp_path / "run", chosen)
    origins = [Recording(tmp_path / "run" / entry.recording).header.origin_wall for entry in recorded.run.scenarios]
    assert [round(after - origins[0], 3) for after in origins] == [0.0, 1.0, 2.0]


def test_a_budget_of_one_runs_them_one_after_the_other(tmp_path: Path) -> None:
    chosen = [short("standard-cpu", SETTLE, called=name) for name in ("first", "second")]
    recorded, _ = campaign(tmp_path / "run", chosen, budgets=Budgets(scenarios=1))
    first, second = recorded.run.scenarios
    assert second.started_wall >= first.finished_wall


def test_a_cluster_that_cannot_be_had_leaves_a_run_that_says_why(tmp_path: Path) -> None:
    chosen = [short("standard-cpu", SETTLE)]
    recorded, shown = campaign(tmp_path / "run", chosen, opening=lambda _: Unavailable())
    assert str(recorded.error).startswith("no cluster at")
    assert not recorded.anything
    (entry,) = Run.read(tmp_path / "run").scenarios
    assert (entry.outcome, entry.recording) == ("failed", "")
    assert "192.168.7.9" not in entry.reason
    assert "connection refused; start it" in entry.reason
    assert "error: no cluster" in shown


def test_a_cluster_that_is_lost_ends_the_run_at_once_and_is_the_reason_of_what_is_undecided(tmp_path: Path) -> None:
    scenario = short("target-concurrency", Step("idle", seconds=500.0))
    recorded, shown = campaign(tmp_path / "run", [scenario], opening=Dying)
    assert not recorded.interrupted
    assert facts(tmp_path / "run", scenario.name)[-1] == (30.0, "end")
    assert "error: the cluster ran out of memory" in shown
    (reason,) = judge_run(tmp_path / "run").by_id["CON-001"].reasons
    assert (reason.code, reason.value) == ("PLATFORM_FAILED", "the cluster ran out of memory")


@pytest.mark.parametrize("after_seconds", [0.5, 8.0, 20.0], ids=["while-opening", "while-deploying", "under-load"])
def test_an_interrupted_campaign_keeps_what_was_recorded_and_deletes_what_was_made(
    tmp_path: Path, after_seconds: float
) -> None:
    watched: list[Watched] = []

    def watching(provider: Provider) -> Provider:
        watched.append(Watched(provider))
        return watched[0]

    async def interrupted(found: Campaign) -> Recorded:
        running = asyncio.create_task(found.run())
        await asyncio.sleep(after_seconds)
        found.interrupt()
        running.cancel()
        return await running

    scenario = short("target-concurrency", Step("idle", seconds=100.0))
    recorded, shown = campaign(tmp_path / "run", [scenario], opening=watching, around=interrupted)
    assert recorded.interrupted
    (entry,) = Run.read(tmp_path / "run").scenarios
    assert entry.outcome == "interrupted"
    assert watched[0].left == []
    assert "interrupted: cleaning up" in shown
    if entry.recording:
        last = list(Recording(tmp_path / "run" / entry.recording).facts())[-1]
        assert (last.kind.value, last.line().count(b"interrupted")) == ("end", 2)


def test_the_run_of_a_namespace_stands_in_its_name(tmp_path: Path) -> None:
    campaign(tmp_path / "run", [short("standard-cpu", SETTLE)])
    log = (tmp_path / "run" / "harness.log").read_text("utf-8")
    assert f"creates namespace cf-{RUN.replace('-', '')[-8:]}-standard-cpu" in log
