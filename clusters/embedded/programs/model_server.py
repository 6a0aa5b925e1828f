"""KServe's real model server as pods' processes: one process for each, started as long as its start takes.

The server runs on a Python of its own, since the KServe SDK wants other versions of what the suite uses. As many
processes start at a time as there are cores: each needs a core for seconds, and more at once would only all be late.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from clusters.embedded.dataplane.network import Listener
from clusters.embedded.dataplane.sockets import LOOPBACK, ProgramListener, SocketNetwork
from clusters.embedded.programs.child_program import ChildProgram
from clusters.embedded.programs.install_paths import ROOT, extra
from clusters.process import run
from clusters.witness.witness_settings import WitnessSettings
from conformance.base.errors import PlatformError, UsageError
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response
from conformance.base.http.http_client import Client

SCRIPT: Final = ROOT / "clusters" / "kserve_model_server" / "__main__.py"
REMEDY: Final = (
    "install it with `make kserve`, or name a Python that has it: setting embedded.kserve_python, --kserve-python"
)
VERSION: Final = "import importlib.metadata as m; print(m.version('kserve'))"
ASK_SECONDS: Final = 0.05
VERSION_SECONDS: Final = 60.0
HEALTH: Final = "/v2/health/ready"
PASSED_ON: Final = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
"""Of the platform's own environment; the rest is not the pods' business."""


def find(named: str | None, *, folder: Path | None = None) -> str:
    """Path of the Python to run it on: what was named, else the extra's. Raises UsageError where there is none."""
    if named:
        program = shutil.which(named)
        if program is None:
            raise UsageError(f"setting embedded.kserve_python: {named} is not an executable program")
        return str(Path(program).absolute())
    program = shutil.which("python", path=str((folder or extra("kserve")) / "bin"))
    if program is None:
        raise UsageError(f"model server kserve: the KServe SDK is not installed; {REMEDY}")
    return program


async def version(python: str) -> str:
    """The version of the KServe SDK that a Python has. Raises UsageError when it has none."""
    done = await run([python, "-c", VERSION], within=VERSION_SECONDS, check=False)
    if done.code != 0:
        raise UsageError(f"model server kserve: {python} has no KServe SDK: {done.tail}; {REMEDY}")
    return done.stdout.strip()


class StartError(PlatformError):
    """A model server ended before it was ready."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the model server ended with code {code} before it was ready")
        self.code = code


class ModelServerProcess:
    """One pod's model server. Closing it stops the process; what it was answering is cut if it takes too long."""

    def __init__(self, child: ChildProgram, listeners: Sequence[Listener]) -> None:
        """`listeners`: what leads to it, the one at the pod's address first."""
        self.address = listeners[0].address
        self.bound = listeners[0].bound
        self._child = child
        self._listeners = tuple(listeners)

    async def ended(self) -> int:
        """Return when it has ended: its exit code."""
        return await self._child.wait()

    async def close(self) -> None:
        for listener in self._listeners:
            await listener.close()
        await self._child.stop()


class ModelServers:
    """Starts model servers, each at an address of the cluster."""

    def __init__(self, python: str, network: SocketNetwork, *, starting: int | None = None) -> None:
        """`starting`: how many start at a time; None takes the number of cores."""
        self._python = python
        self._network = network
        self._starting = asyncio.Semaphore(starting or os.cpu_count() or 1)

    async def start(
        self,
        address: str,
        settings: WitnessSettings,
        devices: tuple[str, ...],
        wrap: Callable[[Handler], Handler],
        heard: Callable[[str], None],
    ) -> ModelServerProcess:
        """Start one and return when it is healthy and its address leads to it. `heard` gets its log.

        `wrap` may put something in front of it; what it hands back unchanged has nothing. When the process ends by
        itself, nobody listens any more. Raises StartError when that is before it is ready."""
        async with self._starting:
            port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            child = await ChildProgram.start(
                [self._python, str(SCRIPT)], _Ear(heard, port), _environment(settings, devices)
            )
            with suppress(OSError):
                # The platform asked for a better priority, which is not meant for what pods run.
                os.setpriority(os.PRIO_PROCESS, child.pid, 0)
            try:
                found = await _listening(child, port)
                await _healthy(child, found)
                listeners = await self._open(address, found, wrap)
            except BaseException:
                await child.stop()
                raise
        direct = listeners[-1]
        child.at_end = partial(self._network.forget, direct)
        return ModelServerProcess(child, listeners)

    async def _open(
        self, address: str, port: int, wrap: Callable[[Handler], Handler]
    ) -> tuple[*tuple[Listener, ...], ProgramListener]:
        """Lead the address straight to the process, or through what is put in front of it; the process itself last."""
        inside = f"{address}/process"

        async def forward(request: Request) -> Response:
            return await self._network.call(inside, request)

        handler = wrap(forward)
        if handler is forward:
            return (self._network.attach(address, port),)
        direct = self._network.attach(inside, port)
        return (await self._network.serve(address, handler), direct)


class _Ear:
    """Hears a process's lines: passes them on, and finds the port in the first that names it."""

    def __init__(self, heard: Callable[[str], None], port: asyncio.Future[int]) -> None:
        self._heard = heard
        self._port = port

    def __call__(self, line: str) -> None:
        if not self._port.done() and line.startswith('{"listening"'):
            self._port.set_result(int(json.loads(line)["listening"].rpartition(":")[2]))
        self._heard(line)


async def _listening(child: ChildProgram, port: asyncio.Future[int]) -> int:
    """The port it names; it may take its time. Raises StartError when it ends instead."""
    ended = asyncio.ensure_future(child.wait())
    try:
        await asyncio.wait([ended, port], return_when=asyncio.FIRST_COMPLETED)
        if not port.done():
            raise StartError(ended.result())
        return port.result()
    finally:
        ended.cancel()


async def _healthy(child: ChildProgram, port: int) -> None:
    """Return when its own health endpoint says ready. Raises StartError when it ends instead."""
    client = Client()
    request = Request("GET", HEALTH, f"{LOOPBACK}:{port}", (("user-agent", "kube-probe/"),))
    try:
        while True:
            try:
                if (await client.call(LOOPBACK, port, request)).status == 200:
                    return
            except ExchangeError:
                pass  # its port opens last
            if child.ended:
                raise StartError(await child.wait())
            await asyncio.sleep(ASK_SECONDS)
    finally:
        await client.close()


def _environment(settings: WitnessSettings, devices: tuple[str, ...]) -> dict[str, str]:
    """What the process is told; as the container's own environment would, WITNESS_* before all."""
    own = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return own | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "WITNESS_POD": settings.pod,
        "WITNESS_KIND": settings.kind.value,
        "WITNESS_MODEL_NAME": settings.model_name,
        "WITNESS_SERVICE_MS": f"{settings.service_seconds * 1000:g}",
        "WITNESS_START_SECONDS": f"{settings.start_seconds:g}",
        "WITNESS_DEVICES": ",".join(devices),
    }
