"""A request's way through ingress, activator and queue-proxy, in virtual time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.dataplane.network import VirtualNetwork
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Backends, Routes, Split, service_hosts
from conformance.base.clock import run_virtual
from conformance.base.http.exchange import Request, Response
from tests.embedded.dataplane.stage import HOST, KEY, stage


def test_a_request_for_a_revision_without_pods_waits_for_one() -> None:
    async def main() -> tuple[float, Response, float]:
        async with stage() as plane:
            async with asyncio.TaskGroup() as group:
                answer = group.create_task(plane.post())
                await plane.clock.sleep(5.0)
                pod = await plane.add_pod(ready=False, listening=False)
                await plane.clock.sleep(1.0)
                await plane.open_port(pod)
                opened = plane.clock.monotonic()
            return opened, answer.result(), plane.clock.monotonic()

    opened, response, answered = run_virtual(main())
    assert response.status == 200
    # A probe of at most 300 ms every 200 ms, its 50 ms steps inside the pod, then the service time.
    assert opened < answered <= opened + 0.1 + 0.45


def test_a_pod_serves_before_it_is_ready() -> None:
    async def main() -> Response:
        async with stage() as plane:
            await plane.add_pod(ready=False)
            return await plane.post()

    assert run_virtual(main()).status == 200


@pytest.mark.parametrize(
    "host", [HOST.upper(), f"{HOST}:8080", "model.ns", "model.ns.svc", "model.ns.svc.cluster.local"]
)
def test_every_name_of_a_service_leads_to_it(host: str) -> None:
    async def main() -> Response:
        async with stage() as plane:
            await plane.add_pod()
            return await plane.post(host=host)

    assert run_virtual(main()).status == 200


def test_an_unknown_host_is_not_found_and_reaches_nobody() -> None:
    async def main() -> tuple[Response, int]:
        async with stage() as plane:
            pod = await plane.add_pod()
            return await plane.post(host="other.ns.example.com"), len(pod.model.requests)

    response, reached = run_virtual(main())
    assert (response.status, response.body, response.header("server"), reached) == (404, b"", "envoy", 0)


def test_a_service_inside_the_cluster_only_has_no_outside_name() -> None:
    assert service_hosts("m", "ns", "example.com", cluster_local=True) == ("m.ns", "m.ns.svc", "m.ns.svc.cluster.local")


def test_withdrawn_hosts_are_unknown_again() -> None:
    routes = Routes()
    routes.publish("a", ["x", "y"], [Split(KEY)])
    routes.publish("a", ["y"], [Split(KEY)])
    assert routes.find("x") == ()
    routes.withdraw("a")
    assert routes.find("y") == ()


def test_a_host_taken_over_stays_with_its_new_owner() -> None:
    routes = Routes()
    routes.publish("a", ["x"], [Split(KEY)])
    routes.publish("b", ["x"], [Split(RevisionKey("ns", "other"))])
    routes.withdraw("a")
    assert routes.find("x") == (Split(RevisionKey("ns", "other")),)


def test_the_model_sees_path_body_and_the_headers_of_the_runtime_contract() -> None:
    async def main() -> Request:
        async with stage() as plane:
            pod = await plane.add_pod()
            await plane.ingress.handle(
                Request(
                    "POST", "/v1/models/m:predict?x=1", HOST, (("x-own", "1"), ("k-network-probe", "queue")), b"abc"
                )
            )
            return pod.model.requests[0]

    request = run_virtual(main())
    assert (request.path, request.body, request.host) == ("/v1/models/m:predict?x=1", b"abc", HOST)
    assert request.header("x-own") == "1"
    assert request.header("forwarded") == f"for=127.0.0.1;host={HOST};proto=http"
    assert request.header("x-forwarded-proto") == "http"
    assert request.header("x-request-id")
    assert request.header("k-network-probe") is None


def test_traffic_is_split_by_percent() -> None:
    behaviour, rng = Behaviour(), random.Random(1)
    splits = (Split(RevisionKey("ns", "a"), 90), Split(RevisionKey("ns", "b"), 10))
    request = Request("GET", "/", "h")
    chosen = Counter(behaviour.choose_revision(request, splits, rng).name for _ in range(10_000))
    # 10 % of 10 000 has a standard deviation of 30.
    assert abs(chosen["b"] - 1000) < 150


def test_direct_traffic_goes_past_the_activator_to_all_ready_pods() -> None:
    async def main() -> tuple[list[int], list[bool], int]:
        async with stage() as plane:
            for _ in range(4):
                await plane.add_pod()
            plane.direct()
            await asyncio.gather(*(plane.post() for _ in range(400)))
            proxied = [r.header("k-proxy-request") is not None for pod in plane.pods for r in pod.model.requests]
            return [len(pod.model.requests) for pod in plane.pods], proxied, len(plane.messages)

    shares, proxied, messages = run_virtual(main())
    assert all(60 < share < 140 for share in shares)
    assert not any(proxied)
    assert messages == 0


def test_without_a_ready_pod_the_activator_is_in_the_path_whatever_the_mode() -> None:
    async def main() -> tuple[Response, bool]:
        async with stage() as plane:
            pod = await plane.add_pod()
            plane.endpoints.publish(KEY, Backends((), proxy=False))
            response = await plane.post()
            return response, pod.model.requests[0].header("k-proxy-request") == "activator"

    response, proxied = run_virtual(main())
    assert response.status == 200
    assert proxied


def test_a_pod_that_dies_under_a_request_is_a_gateway_error_and_not_sent_again() -> None:
    async def main() -> tuple[Response, Response, int]:
        async with stage() as plane:
            first, second = await plane.add_pod(), await plane.add_pod()

            async def kill() -> None:
                await plane.clock.sleep(0.05)
                for pod in (first, second):
                    await pod.die()

            killing = asyncio.create_task(kill())
            through = await plane.post()
            await killing
            plane.direct()
            direct = await plane.post()
            return through, direct, len(first.model.requests) + len(second.model.requests)

    through, direct, reached = run_virtual(main())
    assert through.status == 502
    assert b"reset" in through.body
    assert direct.status == 503
    assert direct.body.startswith(b"upstream connect error")
    assert reached == 1


def test_a_client_that_goes_away_is_seen_by_the_model() -> None:
    async def main() -> tuple[int, int, int]:
        async with stage(seconds=10.0) as plane:
            pod = await plane.add_pod()
            waiting = asyncio.create_task(plane.post())
            await plane.clock.sleep(1.0)
            waiting.cancel()
            await asyncio.wait([waiting])
            return pod.model.cancelled, pod.proxy.in_flight, plane.activator.in_flight(KEY)

    assert run_virtual(main()) == (1, 0, 0)


def test_a_request_buffered_too_long_ends_as_the_activators_timeout() -> None:
    async def main() -> tuple[Response, float, int]:
        async with stage(timeout_seconds=20.0) as plane:
            response = await plane.post()
            return response, plane.clock.monotonic(), plane.activator.buffered(KEY)

    response, seconds, buffered = run_virtual(main())
    assert (response.status, response.body) == (504, b"activator request timeout")
    assert seconds == pytest.approx(20.0)
    assert buffered == 0


def test_a_slow_model_ends_as_the_pods_timeout() -> None:
    async def main() -> tuple[Response, int]:
        async with stage(timeout_seconds=5.0, seconds=60.0) as plane:
            pod = await plane.add_pod()
            plane.direct()
            response = await plane.post()
            return response, pod.model.cancelled

    response, cancelled = run_virtual(main())
    assert (response.status, response.body, cancelled) == (504, b"request timeout", 1)


def test_the_same_seed_gives_the_same_run() -> None:
    async def main(seed: int = 3) -> list[tuple[float, str]]:
        async with stage(network=VirtualNetwork(hop_seconds=(0.0002, 0.001), rng=random.Random(seed))) as plane:
            for _ in range(5):
                await plane.add_pod()
            await asyncio.gather(*(plane.post() for _ in range(50)))
            return [
                (plane.clock.monotonic(), str(r.header("x-request-id")))
                for pod in plane.pods
                for r in pod.model.requests
            ]

    assert run_virtual(main()) == run_virtual(main()) != run_virtual(main(4))


def test_without_activators_no_ready_pod_is_no_backend() -> None:
    async def main() -> tuple[int, bytes]:
        async with stage() as plane:
            plane.endpoints.publish(KEY, Backends((), proxy=False, activated=False))
            answer = await plane.post()
            return answer.status, answer.body

    assert run_virtual(main()) == (503, b"no healthy upstream")
