"""The witness as a process of its own, as the container image runs it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from conformance.base.http.exchange import Request, Response
from conformance.base.http.http_client import Client
from conformance.base.http.http_server import Server
from tests.witness.test_witness_answers import FLOWERS, MNIST

pytestmark = pytest.mark.smoke


@asynccontextmanager
async def witness(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m clusters.witness` on a free port; it is gone afterwards."""
    async with asyncio.timeout(20):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "clusters.witness", *arguments),
            env={**os.environ, "WITNESS_PORT": "0", "WITNESS_POD": "pod-1", **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """Its next line."""
    assert process.stdout is not None
    value: dict[str, Any] = json.loads(await process.stdout.readline())
    return value


async def port_of(process: asyncio.subprocess.Process) -> int:
    return int((await said(process))["listening"].rpartition(":")[2])


async def test_it_finishes_its_requests_on_sigterm_and_leaves_its_report() -> None:
    async with witness(WITNESS_SERVICE_MS="300") as process:
        port, client = await port_of(process), Client()
        post = asyncio.create_task(
            client.call("127.0.0.1", port, Request("POST", "/v1/models/m:predict", "h", (), FLOWERS))
        )
        seen = Request("GET", "/witness", "h")
        while json.loads((await client.call("127.0.0.1", port, seen)).body)["in_flight"] < 1:
            await asyncio.sleep(0)
        process.send_signal(signal.SIGTERM)
        answer = await post
        report = await said(process)
        assert await process.wait() == 0
        await client.close()
    assert answer.status == 200
    assert answer.header("x-pod") == "pod-1"
    assert (report["served"], report["high_water"]) == (1, 1)


async def test_a_transformer_asks_its_predictor_over_the_network() -> None:
    async def predictor(request: Request) -> Response:
        return Response(200, (("x-pod", request.host),), b'{"predictions":[2]}')

    server, client = Server(predictor), Client()
    await server.listen()
    address = f"127.0.0.1:{server.port}"
    async with witness("--predictor_host", address) as process:
        answer = await client.call(
            "127.0.0.1", await port_of(process), Request("POST", "/v1/models/mnist:predict", "h", (), MNIST)
        )
        await client.close()
    await server.close()
    assert (answer.status, answer.body) == (200, b'{"predictions":[2]}')
    assert answer.header("x-predictor-pod") == address


async def test_it_can_be_ended_while_it_starts() -> None:
    async with witness(WITNESS_START_SECONDS="600") as process:
        # Nothing tells when the handlers are in place: before that SIGTERM ends it all the same.
        process.send_signal(signal.SIGTERM)
        assert await process.wait() in (0, -signal.SIGTERM)


async def test_settings_that_make_no_sense_end_it_with_one_line() -> None:
    async with witness(WITNESS_SERVICE_MS="soon") as process:
        assert process.stderr is not None
        assert await process.wait() == 64
        assert await process.stderr.read() == b"witness: WITNESS_SERVICE_MS='soon' is not a number\n"
