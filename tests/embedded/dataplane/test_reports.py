"""What pods and activators tell the autoscaler, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from clusters.embedded.dataplane.revision import PodStat
from clusters.embedded.dataplane.stats import PodMeter
from conformance.base.clock import run_virtual
from conformance.base.http.exchange import Request
from tests.embedded.dataplane.stage import HOST, KEY, stage


def test_a_pod_reports_the_last_finished_second() -> None:
    meter = PodMeter("p", 10.0)
    meter.arrive(10.5, True)
    assert meter.read(10.9) == PodStat("p", 0, 0, 0, 0, 0)
    assert meter.read(11.0) == PodStat("p", 0.5, 0.5, 1, 1, 1.0)
    meter.leave(11.25, True)
    assert meter.read(11.9) == PodStat("p", 0.5, 0.5, 1, 1, 1.0)
    assert meter.read(12.0) == PodStat("p", 0.25, 0.25, 0, 0, 2.0)
    assert meter.read(13.7) == PodStat("p", 0, 0, 0, 0, 3.0)


def test_a_request_that_spans_quiet_seconds_fills_each_of_them() -> None:
    meter = PodMeter("p", 0.0)
    meter.arrive(0.5, False)
    meter.leave(7.5, False)
    assert meter.read(7.9) == PodStat("p", 1.0, 0, 0, 0, 7.0)
    assert meter.read(8.0) == PodStat("p", 0.5, 0, 0, 0, 8.0)


def test_requests_through_the_activator_are_marked_and_reported_by_both() -> None:
    async def main() -> tuple[PodStat, list[tuple[float, float, float, bool]]]:
        async with stage(seconds=3.0) as plane:
            pod = await plane.add_pod()
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(plane.post())
                await plane.clock.sleep(2.5)
                stat = pod.proxy.stat()
            await plane.clock.sleep(5.0)
            return stat, [(at, m.concurrency, m.request_count, m.immediate) for at, m in plane.messages]

    stat, messages = run_virtual(main())
    assert (stat.concurrency, stat.proxied_concurrency) == (4.0, 4.0)
    assert [at for at, *_ in messages] == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])
    assert [said for _, *said in messages] == [
        [1.0, 1.0, True],
        [3.0, 3.0, False],
        [4.0, 0.0, False],
        [4.0, 0.0, False],
        [0.0, 0.0, False],
    ]


def test_waiting_in_the_breaker_counts_as_concurrency() -> None:
    async def main() -> PodStat:
        async with stage(concurrency=1, seconds=5.0) as plane:
            pod = await plane.add_pod()
            plane.direct()
            posts = [asyncio.create_task(plane.post()) for _ in range(4)]
            await plane.clock.sleep(2.0)
            stat = pod.proxy.stat()
            for post in posts:
                post.cancel()
            await asyncio.wait(posts)
            return stat

    assert run_virtual(main()).concurrency == 4.0


def test_probes_are_answered_and_not_counted() -> None:
    async def main() -> tuple[bytes, int, float, int]:
        async with stage() as plane:
            pod = await plane.add_pod()
            probe = await pod.proxy.handle(Request("GET", "/", HOST, (("k-network-probe", "queue"),)))
            kubelet = await pod.proxy.handle(Request("GET", "/", HOST, (("user-agent", "kube-probe/1.33"),)))
            await plane.clock.sleep(1.5)
            return probe.body, kubelet.status, pod.proxy.stat().request_count, len(pod.model.requests)

    assert run_virtual(main()) == (b"queue", 200, 0.0, 1)


def test_a_probe_of_a_pod_that_is_starting_waits_for_its_port() -> None:
    async def main() -> tuple[int, float, int]:
        async with stage() as plane:
            pod = await plane.add_pod(listening=False)
            probe = Request("GET", "/", HOST, (("k-network-probe", "queue"),))
            failed = await pod.proxy.handle(probe)
            gave_up = plane.clock.monotonic()
            asking = asyncio.create_task(pod.proxy.handle(probe))
            await plane.clock.sleep(1.0)
            await plane.open_port(pod)
            return failed.status, gave_up, (await asking).status

    failed, gave_up, then = run_virtual(main())
    assert (failed, then) == (503, 200)
    assert gave_up == pytest.approx(10.0, abs=0.06)


def test_the_activator_answers_its_own_probe_and_knows_only_its_revisions() -> None:
    async def main() -> tuple[bytes, int]:
        async with stage() as plane:
            probe = await plane.activator.handle(Request("GET", "/", "a", (("k-network-probe", "activator"),)))
            plane.activator.remove_revision(KEY)
            lost = await plane.activator.handle(
                Request(
                    "GET",
                    "/",
                    "a",
                    (("knative-serving-namespace", KEY.namespace), ("knative-serving-revision", KEY.name)),
                )
            )
            return probe.body, lost.status

    assert run_virtual(main()) == (b"activator", 404)


def test_a_draining_pod_serves_on_until_it_was_quiet_long_enough() -> None:
    async def main() -> tuple[int, int, float]:
        async with stage(seconds=2.0) as plane:
            pod = await plane.add_pod()
            plane.direct()
            first = asyncio.create_task(plane.post())
            await plane.clock.sleep(1.0)
            draining = asyncio.create_task(pod.proxy.drain())
            await plane.clock.sleep(9.0)
            late = await plane.post()
            probe = await pod.proxy.handle(Request("GET", "/", HOST, (("k-network-probe", "queue"),)))
            await draining
            return (await first).status + late.status, probe.status, plane.clock.monotonic()

    statuses, probe, ended = run_virtual(main())
    assert statuses == 400
    assert probe == 503
    assert ended == pytest.approx(10.0 + 30.0)


def test_a_draining_pod_waits_for_a_request_longer_than_the_quiet_period() -> None:
    async def main() -> tuple[int, float]:
        async with stage(seconds=100.0) as plane:
            pod = await plane.add_pod()
            post = asyncio.create_task(plane.post())
            await plane.clock.sleep(1.0)
            await pod.proxy.drain()
            return (await post).status, plane.clock.monotonic()

    status, ended = run_virtual(main())
    assert status == 200
    assert ended == pytest.approx(100.0, abs=1.0)
