"""How many requests a second one core carries through the embedded data plane: `python -m tests.benchmarks.dataplane`.

The figure is CPU time of the process that holds ingress, activator, queue-proxy and model server, taken while another
process keeps ten connections busy; so it does not depend on how fast that other process is.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

from clusters.embedded.dataplane.sockets import SocketNetwork
from clusters.witness.witness import Witness
from clusters.witness.witness_settings import WitnessSettings
from conformance.base.clock import RealClock
from conformance.base.http.exchange import Request, Response
from conformance.base.http.http_message import request_bytes
from tests.embedded.dataplane.stage import HOST, stage

SECONDS = 3.0
CONNECTIONS = 10
REQUEST = Request(
    "POST",
    "/v1/models/m:predict",
    HOST,
    (("content-type", "application/json"),),
    b'{"instances":[{"key":"%s"}]}' % (b"x" * 200),
)


class Caller(asyncio.Protocol):
    """Sends the request again as soon as an answer comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(request_bytes(REQUEST))

    def data_received(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200"), data
        self._transport.write(request_bytes(REQUEST))


def keep_busy(port: int) -> None:
    """The other process."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            await loop.create_connection(Caller, "127.0.0.1", port)
        await asyncio.sleep(3600)

    _run(main)


async def measure(direct: bool) -> str:
    """One line: which path, CPU per request, requests a second of one core."""
    network, clock = SocketNetwork(), RealClock()
    async with stage(network=network, clock=clock, seconds=0.0) as plane:
        served = 0

        async def count(request: Request) -> Response:
            nonlocal served
            served += 1
            return await plane.ingress.handle(request)

        listener = await network.serve("ingress:80", count)
        pod = await plane.add_pod(listening=False)
        await network.serve(
            pod.address.replace("8012", "8080"), Witness(WitnessSettings("pod", service_seconds=0.0), clock)
        )
        if direct:
            plane.direct()
        port = int(listener.bound.rpartition(":")[2])
        caller = multiprocessing.get_context("spawn").Process(target=keep_busy, args=(port,), daemon=True)
        caller.start()
        while served < 1000:
            await asyncio.sleep(0.1)
        began, cpu = served, time.process_time()
        await asyncio.sleep(SECONDS)
        done, cpu = served - began, time.process_time() - cpu
        caller.kill()
        path = "ingress, queue-proxy, model" if direct else "ingress, activator, queue-proxy, model"
        return f"{path:40} {cpu / done * 1e6:6.0f} us CPU a request {done / cpu:8.0f} requests/s of one core"


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        from uvloop import run
    except ImportError:
        from asyncio import run
    run(main())


async def _all() -> None:
    for direct in (True, False):
        print(await measure(direct), flush=True)


if __name__ == "__main__":
    _run(_all)
