"""Each decision can be changed, and the data plane obeys. Virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.policy import FirstAvailable, Policy
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Split
from conformance.base.clock import run_virtual
from conformance.base.http.exchange import Request, Response
from tests.embedded.dataplane.stage import KEY, stage


class OneMore(Behaviour):
    def running_limit(self, container_concurrency: int) -> int:
        return container_concurrency + 1


def test_a_breaker_that_lets_one_more_in_shows_in_the_model() -> None:
    async def main() -> int:
        async with stage(concurrency=4, behaviour=OneMore()) as plane:
            pod = await plane.add_pod()
            plane.direct()
            await asyncio.gather(*(plane.post() for _ in range(20)))
            return pod.model.high_water

    assert run_virtual(main()) == 5


class NoQueue(Behaviour):
    def waiting_limit(self, container_concurrency: int) -> int:
        del container_concurrency
        return 0


def test_a_breaker_without_a_queue_refuses_all_surplus() -> None:
    async def main() -> Counter[int]:
        async with stage(concurrency=4, behaviour=NoQueue()) as plane:
            await plane.add_pod()
            plane.direct()
            return Counter(answer.status for answer in await asyncio.gather(*(plane.post() for _ in range(10))))

    assert run_virtual(main()) == {200: 4, 503: 6}


class NoBuffer(Behaviour):
    def without_pods(self, request: Request, spec: RevisionSpec) -> Response | None:
        del request, spec
        return Response(503, (), b"no pod")


def test_a_platform_that_does_not_buffer_loses_the_first_request() -> None:
    async def main() -> tuple[int, int]:
        async with stage(behaviour=NoBuffer()) as plane:
            cold = await plane.post()
            await plane.add_pod()
            await plane.clock.sleep(0.5)
            return cold.status, (await plane.post()).status

    assert run_virtual(main()) == (503, 200)


class Twice(Behaviour):
    def copies(self, request: Request) -> int:
        del request
        return 2


def test_an_ingress_that_sends_twice_shows_in_the_model() -> None:
    async def main() -> tuple[int, int]:
        async with stage(behaviour=Twice()) as plane:
            pod = await plane.add_pod()
            answer = await plane.post()
            return answer.status, len({request.header("x-request-id") for request in pod.model.requests})

    assert run_virtual(main()) == (200, 1)


class NoDrain(Behaviour):
    def quiet_seconds(self) -> float:
        return -1.0


def test_a_pod_that_does_not_drain_is_done_at_once() -> None:
    async def main() -> float:
        async with stage(behaviour=NoDrain()) as plane:
            pod = await plane.add_pod()
            await pod.proxy.drain()
            return plane.clock.monotonic()

    assert run_virtual(main()) == 0.0


class Misrouting(Behaviour):
    def choose_revision(self, request: Request, splits: Sequence[Split], rng: random.Random) -> RevisionKey:
        del request, splits, rng
        return RevisionKey("ns", "gone")

    def direct_pod(self, backends: Backends, rng: random.Random) -> str | None:
        del backends, rng
        return None


def test_a_route_to_a_revision_that_is_gone_is_not_found() -> None:
    async def main() -> int:
        async with stage(behaviour=Misrouting()) as plane:
            await plane.add_pod()
            return (await plane.post()).status

    assert run_virtual(main()) == 404


class Favouring(Behaviour):
    def policy(self, container_concurrency: int, rng: random.Random) -> Policy:
        del container_concurrency, rng
        return FirstAvailable()


def test_a_policy_can_be_another() -> None:
    async def main() -> list[int]:
        async with stage(behaviour=Favouring()) as plane:
            for _ in range(3):
                await plane.add_pod()
            await plane.clock.sleep(0.5)
            await asyncio.gather(*(plane.post() for _ in range(9)))
            return [len(pod.model.requests) for pod in plane.pods]

    assert run_virtual(main()) == [9, 0, 0]


class ReadyOnly(Behaviour):
    def serves_before_ready(self) -> bool:
        return False


def test_a_platform_that_waits_for_ready_serves_later() -> None:
    async def main() -> float:
        async with stage(behaviour=ReadyOnly()) as plane:
            pod = await plane.add_pod(ready=False)
            post = asyncio.create_task(plane.post())
            await plane.clock.sleep(7.0)
            plane.activator.set_pods(KEY, [pod.address])
            await post
            return plane.clock.monotonic()

    assert 7.1 <= run_virtual(main()) <= 7.2


class Silent(Behaviour):
    def activator_report(self, stat: ActivatorStat) -> ActivatorStat | None:
        del stat
        return None

    def counts_as_proxied(self, request: Request) -> bool:
        del request
        return False

    def pod_report(self, stat: PodStat) -> PodStat:
        return PodStat(stat.pod, stat.concurrency * 2, 0.0, stat.request_count, 0.0, stat.uptime_seconds)


def test_what_the_autoscaler_hears_can_be_wrong() -> None:
    async def main() -> tuple[int, PodStat]:
        async with stage(behaviour=Silent(), seconds=3.0) as plane:
            pod = await plane.add_pod()
            post = asyncio.create_task(plane.post())
            await plane.clock.sleep(2.0)
            stat = pod.proxy.stat()
            await post
            return len(plane.messages), stat

    messages, stat = run_virtual(main())
    assert messages == 0
    assert (stat.concurrency, stat.proxied_concurrency) == (2.0, 0.0)
