"""Runs that are spoilt on purpose, from the cause to the verdict: the embedded platform, and something in its way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from clusters.embedded.embedded_provider import EmbeddedProvider
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import Clock, run_virtual, virtual_clock
from conformance.base.errors import PlatformError
from conformance.base.http.exchange import Handler, Request, Response
from conformance.base.tasks import tasks
from conformance.catalogue.scenario import scenarios
from conformance.judge.history import History, read
from conformance.judge.judgement import Verdict
from conformance.judge.judging import judge_history
from conformance.judge.requirements import catalogue
from conformance.judge.run_facts import Context
from conformance.kube.api_client import Answer, ApiClient
from conformance.kube.cluster import Cluster
from conformance.kube.resources import CONFIG_MAPS
from conformance.kube.verbs import merge
from conformance.recording.reader import Recording
from conformance.run.context import Conditions, ScenarioContext
from conformance.run.generators.in_process_generator import InProcessGenerator
from conformance.run.scenario_run import run_scenario

RUN = "20260101-000000-abcd"
Meddler = Callable[[Cluster, Clock], Coroutine[Any, Any, None]]


async def nobody(cluster: Cluster, clock: Clock) -> None:
    """Nobody meddles."""


def spoilt(
    folder: Path,
    scenario: str,
    *,
    options: PlatformOptions | None = None,
    api: Callable[[ApiClient, Clock], ApiClient] = lambda api, _: api,
    handler: Callable[[Handler], Handler] = lambda handler: handler,
    meddler: Meddler = nobody,
) -> History:
    """Run a scenario with something in its way."""

    async def story() -> None:
        clock = virtual_clock()
        async with EmbeddedProvider(clock=clock, seed=3, options=options).open() as opened:
            assert opened.ingress.handler is not None
            cluster = replace(opened, api=api(opened.api, clock))
            generator = InProcessGenerator(handler(opened.ingress.handler), clock)
            async with tasks() as group:
                meddling = group.create_task(meddler(opened, clock))
                conditions = Conditions(RUN, 3, "0.1.0")
                context = ScenarioContext(cluster, scenarios()[scenario], folder, conditions, generator, lambda _: None)
                await run_scenario(context)
                meddling.cancel()

    run_virtual(story())
    return read(Recording(folder / "recording" / scenario))


def codes(history: History, name: str) -> set[str]:
    """Codes of the reasons for which a requirement is not decided."""
    requirement = next(entry for entry in catalogue() if entry.id == name)
    judgement = judge_history(history, requirement, Context(accelerator="emulated"))
    assert judgement.verdict is Verdict.INCONCLUSIVE, judgement
    return {reason.code for reason in judgement.reasons}


def test_nodes_too_small_for_the_pods_decide_nothing(tmp_path: Path) -> None:
    history = spoilt(tmp_path, "target-concurrency", options=PlatformOptions(max_pods=4))
    for name in ("CON-001", "CON-002", "PAN-001", "INT-001"):
        assert codes(history, name) == {"CAPACITY_PODS"}


def test_a_cluster_without_accelerators_decides_nothing_about_them(tmp_path: Path) -> None:
    history = spoilt(tmp_path, "gpu", options=PlatformOptions(gpus=0))
    for name in ("GPU-001", "GPU-002", "GPU-003", "GPU-005"):
        assert codes(history, name) == {"PLATFORM_FAILED", "CAPACITY_PODS"}


def test_a_configuration_that_is_changed_and_changed_back_decides_nothing(tmp_path: Path) -> None:
    async def changes(cluster: Cluster, clock: Clock) -> None:
        await clock.sleep(30.0)
        for window in ("30s", None):
            await merge(
                cluster.api, CONFIG_MAPS, "knative-serving", "config-autoscaler", {"data": {"stable-window": window}}
            )
            await clock.sleep(8.0)

    history = spoilt(tmp_path, "target-concurrency", meddler=changes)
    for name in ("CON-001", "PAN-003", "BND-002"):
        assert codes(history, name) == {"CONFIGURATION_CHANGED"}


class Cut:
    """A api that is shut for a while when the load has begun."""

    def __init__(self, api: ApiClient, clock: Clock, answer: Answer | None) -> None:
        """`answer` is what is said while it is shut; None breaks connections."""
        self._api, self._clock, self._answer = api, clock, answer
        self._since = clock.monotonic() + 44.5

    def _shut(self) -> bool:
        return self._since <= self._clock.monotonic() < self._since + 4.0

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        if self._shut():
            if self._answer is None:
                raise PlatformError("connection reset")
            return self._answer
        return await self._api.request(method, path, **options)

    @asynccontextmanager
    async def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> AsyncIterator[AsyncIterator[bytes]]:
        if self._shut():
            raise PlatformError("connection reset")
        async with self._api.stream(path, query=query) as lines:
            yield self._lines(lines)

    async def _lines(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for line in lines:
            if self._shut():
                raise PlatformError("connection reset")
            yield line

    async def close(self) -> None:
        await self._api.close()


def test_a_watch_that_is_cut_off_decides_nothing(tmp_path: Path) -> None:
    history = spoilt(tmp_path, "target-concurrency", api=lambda api, clock: Cut(api, clock, None))
    for name in ("CON-001", "BND-001", "PAN-002"):
        assert "OBSERVER_GAP_SECONDS" in codes(history, name)


def test_answers_that_do_not_come_from_the_witness_decide_nothing(tmp_path: Path) -> None:
    def stripped(handler: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            answer = await handler(request)
            kept = tuple((name, value) for name, value in answer.headers if not name.lower().startswith("x-"))
            return replace(answer, headers=kept)

        return handle

    history = spoilt(tmp_path, "container-concurrency-old", handler=stripped)
    assert codes(history, "LIM-011") == {"WITNESS_MISSING"}


def test_pods_that_serve_directly_may_keep_what_queues_in_them(tmp_path: Path) -> None:
    direct = PlatformOptions(autoscaler={"target-burst-capacity": "0"})
    history = spoilt(tmp_path, "limit-scaling", options=direct)
    assert verdict(history, "LIM-007") is Verdict.NOT_APPLICABLE


def test_an_activator_that_is_always_in_the_path_hears_nothing_when_nothing_is_sent(tmp_path: Path) -> None:
    always = PlatformOptions(autoscaler={"target-burst-capacity": "-1"})
    history = spoilt(tmp_path, "target-concurrency", options=always)
    assert verdict(history, "CON-001") in (Verdict.PASS, Verdict.INCONCLUSIVE)


def verdict(history: History, name: str) -> Verdict:
    requirement = next(entry for entry in catalogue() if entry.id == name)
    return judge_history(history, requirement, Context()).verdict
