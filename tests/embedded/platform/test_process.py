"""The platform as a process of its own: where it is, who may use it, when it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from clusters.embedded.embedded_provider import EmbeddedProvider
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError, UsageError
from conformance.base.http.exchange import Request
from conformance.base.http.http_client import Client
from conformance.kube import resources
from conformance.kube.serving_runtimes import runtimes
from conformance.kube.verbs import create, get
from conformance.run import deployment
from tests.embedded.virtual import EXAMPLES, PAYLOAD

pytestmark = pytest.mark.smoke


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def platform_process(*words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "clusters.embedded",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_its_files_are_its_owners_alone_and_go_with_it() -> None:
    async with platform_process() as (process, told):
        for name in ("kubeconfig", "token_file"):
            assert stat.S_IMODE(Path(told[name]).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(told["kubeconfig"]).parent.stat().st_mode) == 0o700
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        assert not Path(told["kubeconfig"]).exists()


async def test_it_ends_when_its_parent_lets_go_of_its_input() -> None:
    async with platform_process() as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def test_the_api_wants_the_token() -> None:
    import ssl
    import urllib.error
    import urllib.request

    async with platform_process() as (_, told):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE

        def ask() -> int:
            try:
                with urllib.request.urlopen(told["server"] + "/api/v1/pods", context=context) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        assert await asyncio.to_thread(ask) == 403


async def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PlatformError, match=rf"port {port} on 127.0.0.1: .*choose another with --port"):
            async with EmbeddedProvider(clock=RealClock(), port=port).open():
                pass


def test_an_unknown_fault_is_refused_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="did you mean"):
        EmbeddedProvider(clock=RealClock(), fault="zero-nevr")


async def test_a_platform_that_dies_is_heard_to_its_last_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")

    async def abort() -> None:
        async with EmbeddedProvider(clock=RealClock()).open() as cluster:
            assert cluster.pid is not None
            os.kill(cluster.pid, signal.SIGABRT)
            await asyncio.Event().wait()

    async with asyncio.timeout(30):
        with pytest.raises(PlatformError, match=r"^the embedded platform ended with signal SIGABRT: \S"):
            await abort()
    assert "its last words:\nFatal Python error: Aborted\n" in caplog.text


@pytest.mark.long
async def test_real_time_reaches_the_counts_of_virtual_time() -> None:
    """The same scenario on sockets: one pod, then eight for five in flight, every answer 200."""
    clock = RealClock()
    async with EmbeddedProvider(clock=clock, seed=1).open() as cluster:
        api = cluster.api
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}
        await create(api, resources.NAMESPACES, space)
        for runtime in runtimes("witness", start_seconds=0.5):
            await deployment.put(api, resources.SERVING_RUNTIMES, "demo", runtime)
        await deployment.deploy(api, "demo", (EXAMPLES / "autoscale-new.yaml").read_bytes())
        url = await _ready(api, clock)
        host, _, port = cluster.ingress.address.rpartition(":")
        client = Client()
        headers = (("content-type", "application/json"),)
        request = Request("POST", "/v1/models/flowers-sample:predict", url.removeprefix("http://"), headers, PAYLOAD)
        codes: list[int] = []
        desired: list[int] = []
        reached = asyncio.Event()

        async def worker() -> None:
            while not reached.is_set():
                codes.append((await client.call(host, int(port), request)).status)

        async def watch() -> None:
            while not desired or desired[-1] < 7:
                found = await get(api, resources.POD_AUTOSCALERS, "demo", "flowers-sample-predictor-00001")
                assert found is not None
                desired.append(found["status"]["desiredScale"])
                await asyncio.sleep(0.5)
            reached.set()

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(worker())
            group.create_task(watch())
        await client.close()
        assert set(codes) == {200}
        assert desired == sorted(desired)
        assert desired[-1] in (7, 8)
        pid = cluster.pid
    assert pid is not None
    assert not is_alive(pid)


async def _ready(api: Any, clock: RealClock) -> str:
    for _ in range(120):
        found = await get(api, resources.INFERENCE_SERVICES, "demo", "flowers-sample")
        status = (found or {}).get("status") or {}
        if any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ()):
            return str(status["url"])
        await clock.sleep(0.5)
    raise AssertionError("not Ready in a minute")
