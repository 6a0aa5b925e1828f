"""The same data plane with every hop on loopback."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from clusters.embedded.dataplane.sockets import SocketNetwork, allow_files
from conformance.base.clock import RealClock
from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.base.http.http_client import Client
from tests.embedded.dataplane.stage import HOST, KEY, Stage, stage

pytestmark = pytest.mark.smoke


class ApiClient:
    """A client outside the cluster."""

    def __init__(self, bound: str) -> None:
        self.client = Client()
        host, _, port = bound.partition(":")
        self._address = host, int(port)

    async def post(self, path: str = "/v1/models/m:predict", *, host: str = HOST, body: bytes = b"{}") -> Response:
        return await self.client.call(*self._address, Request("POST", path, host, (), body))


@asynccontextmanager
async def real(
    concurrency: int = 0, seconds: float = 0.02, timeout_seconds: float = 300.0
) -> AsyncIterator[tuple[Stage, ApiClient]]:
    """A data plane on sockets and a way in; everything has ten seconds."""
    async with asyncio.timeout(60):
        network = SocketNetwork()
        async with stage(
            concurrency=concurrency,
            seconds=seconds,
            timeout_seconds=timeout_seconds,
            network=network,
            clock=RealClock(),
        ) as plane:
            listener = await network.serve("ingress:80", plane.ingress.handle)
            api = ApiClient(listener.bound)
            yield plane, api
            await api.client.close()


async def test_a_request_goes_all_the_way_by_either_path() -> None:
    async with real() as (plane, api):
        pod = await plane.add_pod()
        through = await api.post(body=b"x" * 100_000)
        plane.direct()
        direct = await api.post("/other?x=1")
    assert (through.status, direct.status) == (200, 200)
    assert direct.header("server") == "envoy"
    proxied, straight = pod.model.requests
    assert proxied.header("k-proxy-request") == "activator"
    assert proxied.body == b"x" * 100_000
    assert straight.header("k-proxy-request") is None
    assert straight.path == "/other?x=1"


async def test_an_unknown_host_is_not_found() -> None:
    async with real() as (_, api):
        assert (await api.post(host="nobody.ns.example.com")).status == 404


async def test_surplus_is_refused_by_the_pod() -> None:
    async with real(concurrency=1) as (plane, api):
        pod = await plane.add_pod()
        plane.direct()
        answers = await asyncio.gather(*(api.post() for _ in range(20)))
    assert Counter(answer.status for answer in answers) == {200: 11, 503: 9}
    assert pod.model.high_water == 1


async def test_a_cold_start_waits_for_the_pods_port() -> None:
    async with real() as (plane, api):
        posts = [asyncio.create_task(api.post()) for _ in range(5)]
        while plane.activator.buffered(KEY) < 5:
            await asyncio.sleep(0)
        pod = await plane.add_pod(ready=False, listening=False)
        await plane.open_port(pod)
        answers = await asyncio.gather(*posts)
    assert [answer.status for answer in answers] == [200] * 5


async def test_a_client_that_hangs_up_is_seen_by_the_model() -> None:
    async with real(seconds=60.0) as (plane, api):
        pod = await plane.add_pod()
        post = asyncio.create_task(api.post())
        while not pod.model.in_flight:
            await asyncio.sleep(0)
        post.cancel()
        while not pod.model.cancelled:
            await asyncio.sleep(0)
        assert pod.proxy.in_flight == 0


async def test_a_pod_that_dies_cuts_its_requests_and_nothing_is_sent_twice() -> None:
    async with real(seconds=60.0) as (plane, api):
        pod, other = await plane.add_pod(), await plane.add_pod()
        plane.direct()
        posts = [asyncio.create_task(api.post()) for _ in range(6)]
        while pod.model.in_flight + other.model.in_flight < 6:
            await asyncio.sleep(0)
        await pod.die()
        await other.die()
        answers = await asyncio.gather(*posts)
    assert [answer.status for answer in answers] == [503] * 6
    assert len(pod.model.requests) + len(other.model.requests) == 6


async def test_timeouts_hold_on_sockets_too() -> None:
    async with real(seconds=60.0, timeout_seconds=0.1) as (plane, api):
        pod = await plane.add_pod()
        plane.direct()
        answer = await api.post()
        assert (answer.status, answer.body) == (504, b"request timeout")
        while not pod.model.cancelled:
            await asyncio.sleep(0)


def test_the_limit_of_open_files_is_raised_and_never_lowered() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        assert allow_files(512) == 512
        assert allow_files(300) == 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_an_address_that_nobody_has_refuses() -> None:
    network = SocketNetwork()
    with pytest.raises(ExchangeError, match=r"^dial tcp 10\.0\.0\.1:80: connect: connection refused$"):
        await network.call("10.0.0.1:80", Request("GET", "/", "h"))
    listener = await network.serve("10.0.0.1:80", lambda request: pytest.fail(str(request)))
    with pytest.raises(OSError, match=r"^address 10\.0\.0\.1:80 is in use$"):
        await network.serve("10.0.0.1:80", lambda request: pytest.fail(str(request)))
    await listener.close()
    assert not network.listening("10.0.0.1:80")
