"""What a run takes away when its scenarios are over, on a platform that deletes namespaces as Kubernetes 1.34 does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import run_virtual, virtual_clock
from conformance.catalogue.scenario import Step
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.cluster import Cluster, Provider
from conformance.kube.resources import NAMESPACES
from conformance.kube.verbs import delete, list_all
from conformance.run import deployment
from conformance.run.campaign import Campaign, Recorded
from conformance.run.teardown import tearing_down
from conformance.settings.settings import EMBEDDED_BUDGETS, Budgets
from tests.embedded.virtual import SPACE, Scene, play
from tests.run.virtual_campaign import RUN, campaign, short

SETTLE = Step("settle", seconds=60.0)
ORDERED = PlatformOptions(ordered_namespace_deletion=True)
FORBIDDEN = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"no","code":403}'


class Restricted:
    """A client that may not delete objects of some kinds."""

    def __init__(self, api: ApiClient, *plurals: str) -> None:
        self._api = api
        self._plurals = plurals
        self.close = api.close

    def stream(
        self, path: str, *, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._api.stream(path, query=query)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        reviewed = path.endswith("selfsubjectaccessreviews") and b'"pods"' in (body or b"") and "pods" in self._plurals
        if reviewed or (method == "DELETE" and path.split("/")[-2] in self._plurals):
            return Answer(403, {}, FORBIDDEN)
        return await self._api.request(method, path, query=query, body=body, content_type=content_type)


class Lasting:
    """A provider of a cluster that outlives the run, and of what was on it when the run was over."""

    def __init__(self, *forbidden: str) -> None:
        self._forbidden = forbidden
        self.namespaces: list[str] = []

    def around(self, _: Provider) -> Provider:
        return self

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        provider = EmbeddedProvider(clock=virtual_clock(), seed=1, options=ORDERED)
        async with provider.open() as cluster:
            yield replace(cluster, disposable=False, api=Restricted(cluster.api, *self._forbidden))
            items, _ = await list_all(cluster.api, NAMESPACES)
            self.namespaces = [name for item in items if (name := item["metadata"]["name"]).startswith("cf-")]


def seconds_after(recorded: Recorded, ended: float) -> float:
    return ended - max(entry.finished_wall for entry in recorded.run.scenarios)


def run(folder: Path, lasting: Lasting, budgets: Budgets = EMBEDDED_BUDGETS) -> tuple[Recorded, str, float]:
    """Two scenarios; what was recorded and said, and the seconds from the end of the last to the end of the run."""
    ended = 0.0

    async def timed(found: Campaign) -> Recorded:
        nonlocal ended
        recorded = await found.run()
        ended = virtual_clock().wall()
        return recorded

    chosen = [short("target-concurrency", SETTLE, called=name) for name in ("first", "second")]
    recorded, shown = campaign(folder, chosen, opening=lasting.around, around=timed, budgets=budgets)
    return recorded, shown, seconds_after(recorded, ended)


def test_a_namespace_deleted_with_its_pods_takes_minutes_there() -> None:
    async def story(scene: Scene) -> float:
        await scene.example("autoscale-new")
        await scene.ready("flowers-sample")
        begun = scene.clock.monotonic()
        await delete(scene.api, NAMESPACES, None, SPACE)
        assert await deployment.gone(scene.api, SPACE, scene.clock)
        return scene.clock.monotonic() - begun

    assert 151.0 <= play(story, options=ORDERED) <= 170.0
    assert play(story) <= 40.0


def test_a_run_ends_half_a_minute_after_its_last_scenario_and_leaves_nothing(tmp_path: Path) -> None:
    lasting = Lasting()
    recorded, shown, seconds = run(tmp_path / "run", lasting)
    assert (recorded.run.leftovers, lasting.namespaces) == ((), [])
    assert seconds <= 30.0
    assert "left over" not in shown


def test_what_still_drains_at_the_end_is_named_and_its_deletion_asked_for(tmp_path: Path) -> None:
    lasting = Lasting("pods")
    recorded, shown, seconds = run(tmp_path / "run", lasting)
    assert list(recorded.run.leftovers) == sorted(lasting.namespaces)
    assert len(lasting.namespaces) == 2
    assert seconds <= 30.0
    assert all(f"left over on the cluster: namespace {name};" in shown for name in lasting.namespaces)


def test_an_earlier_scenario_goes_away_while_a_later_one_runs(tmp_path: Path) -> None:
    lasting = Lasting("pods")
    recorded, _, _ = run(tmp_path / "run", lasting, budgets=Budgets(scenarios=1))
    first, second = recorded.run.scenarios
    assert second.started_wall - first.finished_wall < 1.0
    assert recorded.run.leftovers == (deployment.namespace_name(RUN, "second"),)


@pytest.mark.parametrize("forbidden", ["inferenceservices", "pods"])
def test_a_role_without_a_right_still_has_its_namespaces_deleted(forbidden: str) -> None:
    async def main() -> float:
        clock = virtual_clock()
        async with Lasting(forbidden).open() as cluster:
            name = deployment.namespace_name("r", "story")
            await deployment.make_namespace(cluster.api, name, "r", clock.wall() + 600)
            manifest = (Path(__file__).parents[2] / "fixtures/examples/autoscale-new.yaml").read_bytes()
            await deployment.deploy(cluster.api, name, manifest)
            await clock.sleep(30)
            begun = clock.monotonic()
            async with tearing_down(cluster, "r") as teardown:
                teardown.begin(name)
                await teardown.finish(within=300)
                assert teardown.left == ()
            return clock.monotonic() - begun

    seconds = run_virtual(main())
    assert seconds <= (45.0 if forbidden == "pods" else 170.0)
