"""containerConcurrency at work: in the pod, and in the activator before it. Virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from clusters.embedded.dataplane.revision import RevisionSpec
from clusters.embedded.dataplane.throttler import Throttler
from conformance.base.clock import run_virtual
from tests.embedded.dataplane.stage import KEY, stage


@pytest.mark.parametrize("concurrency", [1, 3, 10])
def test_without_the_activator_surplus_waits_in_the_pod_and_beyond_ten_times_is_refused(concurrency: int) -> None:
    async def main() -> tuple[Counter[int], set[bytes], int]:
        async with stage(concurrency=concurrency) as plane:
            pod = await plane.add_pod()
            plane.direct()
            answers = await asyncio.gather(*(plane.post() for _ in range(11 * concurrency + 7)))
            refused = {answer.body for answer in answers if answer.status == 503}
            return Counter(answer.status for answer in answers), refused, pod.model.high_water

    statuses, refused, high_water = run_virtual(main())
    assert statuses == {200: 11 * concurrency, 503: 7}
    assert refused == {b"pending request queue full\n"}
    assert high_water == concurrency


def test_with_the_activator_nobody_is_refused() -> None:
    async def main() -> tuple[Counter[int], int]:
        async with stage(concurrency=1) as plane:
            pod = await plane.add_pod()
            answers = await asyncio.gather(*(plane.post() for _ in range(30)))
            return Counter(answer.status for answer in answers), pod.model.high_water

    assert run_virtual(main()) == ({200: 30}, 1)


def test_without_a_limit_everything_runs_at_once() -> None:
    async def main() -> tuple[int, float]:
        async with stage(concurrency=0) as plane:
            pod = await plane.add_pod()
            plane.direct()
            await asyncio.gather(*(plane.post() for _ in range(500)))
            return pod.model.high_water, plane.clock.monotonic()

    high_water, seconds = run_virtual(main())
    assert high_water == 500
    assert seconds == pytest.approx(0.1)


def test_a_client_that_gives_up_while_waiting_frees_its_place() -> None:
    async def main() -> tuple[int, int, int]:
        async with stage(concurrency=1) as plane:
            pod = await plane.add_pod()
            plane.direct()
            posts = [asyncio.create_task(plane.post()) for _ in range(11)]
            await plane.clock.sleep(0.05)
            posts[5].cancel()
            late = asyncio.create_task(plane.post())
            await asyncio.wait([*posts, late])
            assert pod.proxy.breaker is not None
            return late.result().status, pod.proxy.breaker.running, pod.proxy.breaker.waiting

    assert run_virtual(main()) == (200, 0, 0)


def test_a_cold_start_burst_is_served_pod_by_pod_within_the_limit() -> None:
    async def main() -> tuple[Counter[int], list[int]]:
        async with stage(concurrency=2) as plane:
            posts = [asyncio.create_task(plane.post()) for _ in range(40)]
            await plane.clock.sleep(3.0)
            for _ in range(3):
                await plane.add_pod(ready=False)
            await asyncio.wait(posts)
            return Counter(post.result().status for post in posts), [pod.model.high_water for pod in plane.pods]

    assert run_virtual(main()) == ({200: 40}, [2, 2, 2])


def test_a_pod_that_leaves_takes_no_new_requests_and_keeps_its_old_ones() -> None:
    async def main() -> tuple[list[int], Counter[int]]:
        async with stage(concurrency=1, seconds=1.0) as plane:
            first, second = await plane.add_pod(), await plane.add_pod()
            posts = [asyncio.create_task(plane.post()) for _ in range(6)]
            await plane.clock.sleep(0.5)
            plane.activator.set_pods(KEY, [second.address])
            await asyncio.wait(posts)
            counts = [len(pod.model.requests) for pod in (first, second)]
            return counts, Counter(post.result().status for post in posts)

    assert run_virtual(main()) == ([1, 5], {200: 6})


def test_two_activators_share_the_pods_of_a_limited_revision() -> None:
    async def main() -> tuple[tuple[str, ...], tuple[str, ...], int]:
        async with stage(concurrency=2) as plane:
            throttlers = [Throttler(RevisionSpec(KEY, 2), plane.behaviour, plane.rng) for _ in range(2)]
            for index, throttler in enumerate(throttlers):
                throttler.set_share(index, 2)
                throttler.set_pods(["c", "a", "b"])
            return throttlers[0].assigned, throttlers[1].assigned, throttlers[0].capacity

    assert run_virtual(main()) == (("a", "c"), ("b",), 4)
