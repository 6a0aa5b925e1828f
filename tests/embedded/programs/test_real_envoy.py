"""A real Envoy before the data plane. Skipped where none is installed (`make envoy`)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from clusters.embedded.dataplane.revision import RevisionKey, RevisionSpec
from clusters.embedded.dataplane.routes import Backends, Split
from clusters.embedded.dataplane.sockets import SocketNetwork
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.loopback_servers import serving
from clusters.embedded.programs import envoy as parts
from clusters.embedded.programs.envoy_tables import EnvoyTables
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError
from conformance.base.http.exchange import Request, Response
from conformance.base.http.http_client import Client
from tests.embedded.dataplane.stage import HOST, KEY, Stage, stage
from tests.embedded.platform.test_process import platform_process
from tests.embedded.programs.installed import needs_envoy
from tests.embedded.programs.processes import children, gone

pytestmark = [pytest.mark.smoke, needs_envoy]


@dataclass(slots=True)
class Front:
    """A data plane with Envoy before it."""

    plane: Stage
    envoy: parts.Envoy
    client: Client
    changed: asyncio.Event

    async def post(self, host: str = HOST, headers: tuple[tuple[str, str], ...] = (), body: bytes = b"{}") -> Response:
        request = Request("POST", "/v1/models/m:predict?x=%2F", host, headers, body)
        return await self.client.call("127.0.0.1", self.envoy.port, request)

    async def until_status(self, status: int, host: str = HOST) -> Response:
        """The first answer with a status: changes reach Envoy a moment after they are made."""
        self.changed.set()
        while (answer := await self.post(host)).status != status:
            await asyncio.sleep(0.01)
        return answer


class Parts:
    """A body of two parts, the second when it is let."""

    def __init__(self, more: asyncio.Event) -> None:
        self._more = more
        self._left = [b"last", b"first"]

    async def read(self) -> bytes:
        if len(self._left) == 1:
            await self._more.wait()
        return self._left.pop() if self._left else b""

    def close(self) -> None:
        self._left.clear()


@asynccontextmanager
async def front(seconds: float = 0.0, concurrency: int = 0) -> AsyncIterator[Front]:
    """Everything has 30 seconds."""
    async with asyncio.timeout(30):
        network, changed, client = SocketNetwork(), asyncio.Event(), Client()
        async with stage(network=network, clock=RealClock(), seconds=seconds, concurrency=concurrency) as plane:
            tables = EnvoyTables(plane.routes, plane.endpoints, network.port, ("activator-0:8012",), changed)
            async with parts.envoy(parts.find(None), 0, tables) as running:
                yield Front(plane, running, client, changed)
                await client.close()


async def test_a_request_reaches_a_pod_through_the_activator_and_past_it() -> None:
    async with front() as there:
        pod = await there.plane.add_pod()
        through = await there.post(body=b"x" * 100_000)
        there.plane.direct()
        there.changed.set()
        while any(name == "k-proxy-request" for name, _ in pod.model.requests[-1].headers):
            await there.post()
        assert through.status == 200
        assert through.header("server") == "envoy"
        assert len(pod.model.requests[0].body) == 100_000
        assert {request.path for request in pod.model.requests} == {"/v1/models/m:predict?x=%2F"}
        assert {request.host for request in pod.model.requests} == {HOST}


async def test_a_host_that_nobody_has_is_envoys_own_404() -> None:
    async with front() as there:
        answer = await there.post("nobody.ns.example.com")
        assert (answer.status, answer.body, answer.header("server")) == (404, b"", "envoy")


async def test_a_host_is_known_with_a_port_too() -> None:
    async with front() as there:
        await there.plane.add_pod()
        assert (await there.post(f"{HOST}:8080")).status == 200


async def test_the_client_cannot_choose_the_revision_or_pass_for_a_probe() -> None:
    spoofed = (
        ("knative-serving-revision", "other"),
        ("knative-serving-namespace", "else"),
        ("k-network-probe", "queue"),
        ("x-request-id", "mine"),
    )
    async with front() as there:
        pod = await there.plane.add_pod()
        assert (await there.post(headers=spoofed)).body == b"done"
        seen = dict(pod.model.requests[0].headers)
        assert "k-network-probe" not in seen
        assert seen["x-request-id"] == "mine"


async def test_a_request_is_held_while_there_is_no_pod() -> None:
    async with front() as there:
        held = asyncio.create_task(there.post())
        while not there.plane.activator.buffered(KEY):
            await asyncio.sleep(0.01)
        await there.plane.add_pod()
        assert (await held).status == 200


async def test_many_revisions_each_get_their_own_requests() -> None:
    async with front() as there:
        keys = [RevisionKey(f"ns{index}", "other-00001") for index in range(20)]
        for key in keys:
            there.plane.activator.put_revision(RevisionSpec(key))
            there.plane.routes.publish(key.namespace, [f"other.{key.namespace}"], [Split(key)])
            there.plane.endpoints.publish(key, Backends(("10.244.9.9:8012",), proxy=False))
        network = there.plane.network

        async def teapot(request: Request) -> Response:
            del request
            return Response(418)

        await network.serve("10.244.9.9:8012", teapot)
        for key in keys:
            await there.until_status(418, f"other.{key.namespace}")
        await there.plane.add_pod()
        assert (await there.post()).body == b"done"


async def test_a_withdrawn_host_is_unknown_again() -> None:
    async with front() as there:
        await there.plane.add_pod()
        assert (await there.post()).status == 200
        there.plane.routes.withdraw("ns/model")
        await there.until_status(404)


async def test_a_failed_request_is_not_tried_again() -> None:
    async with front() as there:
        pod = await there.plane.add_pod()
        pod.model.answer = lambda: Response(503, (), b"no")
        assert (await there.post()).status == 503
        assert len(pod.model.requests) == 1


async def test_what_does_not_speak_websocket_says_so_itself() -> None:
    asked = (
        f"GET /v1/models/m HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with front() as there:
        await there.plane.add_pod()
        reader, writer = await asyncio.open_connection("127.0.0.1", there.envoy.port)
        writer.write(asked.encode())
        assert (await reader.readline()).split()[1] == b"501"
        writer.close()
        await writer.wait_closed()


async def test_an_answer_in_parts_arrives_in_parts() -> None:
    async with front() as there:
        pod = await there.plane.add_pod()
        more = asyncio.Event()

        pod.model.answer = lambda: Response(200).with_stream(Parts(more))
        reader, writer = await asyncio.open_connection("127.0.0.1", there.envoy.port)
        writer.write(f"POST /v1/models/m:predict HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n".encode())
        assert b"first" in await reader.readuntil(b"first")
        more.set()
        assert b"last" in await reader.readuntil(b"last")
        writer.close()
        await writer.wait_closed()


async def test_containers_get_no_more_than_their_limit() -> None:
    async with front(seconds=0.02, concurrency=2) as there:
        pod = await there.plane.add_pod()
        answers = await asyncio.gather(*(there.post() for _ in range(40)))
        assert {answer.status for answer in answers} == {200}
        assert pod.model.high_water == 2


async def test_the_end_of_envoy_ends_the_platform_with_its_last_words() -> None:
    async def outlive() -> None:
        async with asyncio.timeout(30), serving(seed=0, options=PlatformOptions(ingress="envoy"), fault=None):
            (envoy,) = children(os.getpid(), "envoy")
            os.kill(envoy, signal.SIGKILL)
            await asyncio.Event().wait()

    with pytest.raises(PlatformError, match=r"^Envoy ended with code -9: "):
        await outlive()


async def test_envoy_goes_with_a_platform_that_is_killed() -> None:
    async with platform_process("--options", '{"ingress": "envoy"}') as (process, told):
        assert told["versions"]["envoy"].startswith("1.")
        pids = children(process.pid, "envoy")
        assert len(pids) == 1
        process.kill()
        await process.wait()
        await gone(*pids)


async def test_envoy_goes_with_a_platform_that_is_interrupted() -> None:
    async with platform_process("--options", '{"ingress": "envoy"}') as (process, _):
        pids = children(process.pid, "envoy")
        assert len(pids) == 1
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
        await gone(*pids)
