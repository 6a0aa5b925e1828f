"""Provides the embedded platform: a process of its own in real time, the running event loop in virtual time."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import asdict, replace
from typing import Any, Final

from clusters.discovery.installed_platform import discover
from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import Clock, RealClock
from conformance.base.errors import PlatformError, UsageError
from conformance.base.tasks import tasks
from conformance.kube.cluster import Cluster, Ingress, Installation

logger = logging.getLogger(__name__)

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 5.0
REAPED_SECONDS: Final = 1.0
"""How long after a refused connection the end of a process may take to be known."""


class EmbeddedProvider:
    """See `conformance.kube.cluster.Provider`."""

    def __init__(
        self,
        *,
        clock: Clock,
        seed: int = 0,
        fault: str | None = None,
        options: PlatformOptions | None = None,
        port: int = 0,
        ingress_port: int = 0,
    ) -> None:
        """`fault` names a behaviour to break. Raises UsageError for an unknown one."""
        from clusters.embedded.faults import behaviour_of
        from clusters.embedded.programs.installed_programs import check_programs

        check_programs(options or PlatformOptions(), fault, behaviour_of(fault), real=isinstance(clock, RealClock))
        self._clock = clock
        self._seed = seed
        self._fault = fault
        self._options = options or PlatformOptions()
        self._port = port
        self._ingress_port = ingress_port

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        """Start it; what it takes ends with the block."""
        return self._real() if isinstance(self._clock, RealClock) else self._virtual()

    @asynccontextmanager
    async def _virtual(self) -> AsyncIterator[Cluster]:
        from clusters.embedded.platform import Platform
        from conformance.kube.in_process_client import InProcessClient

        async with Platform(self._clock, self._seed, self._options, self._fault) as platform:
            api = InProcessClient(platform.app, platform.token)
            found = await discover(api, gpu="emulated")
            yield Cluster(
                provider="embedded",
                api=api,
                ingress=Ingress(address="", handler=platform.ingress),
                installation=self._complete(found.installation),
                clock=self._clock,
                notes=self._notes(found.notes),
                disposable=True,
                owned=True,
            )

    @asynccontextmanager
    async def _real(self) -> AsyncIterator[Cluster]:
        from conformance.kube.official_client import connect

        async with self._process() as (process, told):
            api = await connect(told["kubeconfig"], None)
            try:
                found = await discover(api, gpu="emulated")
                yield Cluster(
                    provider="embedded",
                    api=api,
                    ingress=Ingress(address=told["ingress"]),
                    installation=_with_parts(self._complete(found.installation), told["versions"]),
                    clock=self._clock,
                    kubeconfig=told["kubeconfig"],
                    pid=process.pid,
                    notes=(*self._notes(found.notes), *told["parts"]),
                    disposable=True,
                    owned=True,
                )
            finally:
                await api.close()

    def _complete(self, found: Installation) -> Installation:
        """The activators are part of the platform's process, where no Deployment tells of them."""
        return replace(found, activators=self._options.activators)

    def _notes(self, notes: tuple[str, ...]) -> tuple[str, ...]:
        return (*notes, f"the platform is broken on purpose: {self._fault}") if self._fault else notes

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
        process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stderr is not None
        said = asyncio.create_task(_tail(process.stderr))
        try:
            told = await self._told(process, said)
            async with _watched(process, said):
                yield process, told
        finally:
            await _end(process)
            await said

    def _command(self) -> list[str]:
        words = [sys.executable, "-m", "clusters.embedded", "--seed", str(self._seed)]
        words += ["--port", str(self._port), "--ingress-port", str(self._ingress_port)]
        words += ["--options", json.dumps(asdict(self._options))]
        return [*words, "--fault", self._fault] if self._fault else words

    async def _told(self, process: asyncio.subprocess.Process, said: asyncio.Task[str]) -> dict[str, Any]:
        """The line in which the process says where it is."""
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                line = await process.stdout.readline()
        except TimeoutError as error:
            raise PlatformError(f"the embedded platform did not start within {START_SECONDS:g} s") from error
        if not line:
            code, text = await process.wait(), (await said).strip().removeprefix("error: ")
            if code == UsageError.exit_code:
                raise UsageError(text)
            raise PlatformError(f"the embedded platform did not start: {text or f'exit code {code}'}")
        told: dict[str, Any] = json.loads(line)
        return told


def _with_parts(installation: Installation, versions: Mapping[str, str]) -> Installation:
    """What the report calls them: the real program beside the part whose place it takes."""
    layer, kserve = installation.network_layer, installation.kserve
    return replace(
        installation,
        network_layer=f"{layer}, ingress Envoy {versions['envoy']}" if "envoy" in versions else layer,
        kserve=f"{kserve}, model server {versions['kserve']}" if "kserve" in versions else kserve,
    )


@asynccontextmanager
async def _watched(process: asyncio.subprocess.Process, said: asyncio.Task[str]) -> AsyncIterator[None]:
    """Ends the block as soon as the process ends by itself, raising PlatformDiedError, whatever else came of that."""
    try:
        async with tasks() as group:
            watch = group.create_task(_die(process, said))
            yield
            watch.cancel()
    except PlatformError as error:
        if isinstance(error, PlatformDiedError):
            raise
        with suppress(TimeoutError):
            async with asyncio.timeout(REAPED_SECONDS):
                await process.wait()
        if process.returncode is None:
            raise
        raise PlatformDiedError(f"{_death(process.returncode, await said)}; {error}") from error


class PlatformDiedError(PlatformError):
    """The platform's process has ended by itself."""


async def _die(process: asyncio.subprocess.Process, said: asyncio.Task[str]) -> None:
    raise PlatformDiedError(_death(await process.wait(), await asyncio.shield(said)))


def _death(code: int, words: str) -> str:
    """How a process ended, with its last line; all of its last words go to the log."""
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    logger.error("the embedded platform ended with %s; its last words:\n%s", how, words.rstrip() or "none")
    last = words.strip().rpartition("\n")[2]
    return f"the embedded platform ended with {how}" + (f": {last}" if last else "")


async def _tail(stream: asyncio.StreamReader, keep: int = 4000) -> str:
    """The last of what a process says, read so that it never blocks."""
    text = b""
    while chunk := await stream.read(65536):
        text = (text + chunk)[-keep:]
    return text.decode("utf-8", "replace")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask, then force: the whole process group, and wait."""
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
