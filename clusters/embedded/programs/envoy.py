"""A real Envoy as the platform's ingress: a process beside the platform, configured by files that it watches.

Its tables follow the platform's within milliseconds. What is new is made before it is used, as Envoy's xDS asks for:
endpoints, then clusters, and routes only when Envoy has the clusters.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from clusters.embedded.programs import die_with_parent, envoy_config
from clusters.embedded.programs.child_program import ChildProgram
from clusters.embedded.programs.envoy_tables import EnvoyFiles, EnvoyTables
from clusters.embedded.programs.install_paths import extra
from clusters.process import run
from conformance.base.errors import PlatformError, UsageError
from conformance.base.http.exchange import ExchangeError, Request
from conformance.base.http.http_client import Client

REMEDY: Final = "install it with `make envoy`, or name the program: setting embedded.envoy_program, --envoy-program"
START_SECONDS: Final = 20.0
WARM_SECONDS: Final = 5.0
STEP_SECONDS: Final = 0.02
SHOWN_LINES: Final = 8


async def version(program: str) -> str:
    """The version of an Envoy program. Raises UsageError when it is none, PlatformError when it cannot be run."""
    done = await run([program, "--version"], within=START_SECONDS, check=False)
    found = re.search(r"version: \w+/(\d+\.\d+\.\d+\S*?)/", done.stdout)
    if found is None:
        raise UsageError(f"{program}: --version does not name Envoy: {done.tail}; {REMEDY}")
    return found.group(1)


def find(named: str | None, *, folders: Sequence[Path] | None = None, system: str = sys.platform) -> str:
    """Path of the program: what was named, else beside this Python, in the extra's folder, or on PATH.

    Raises UsageError where there is none, or the system is not Linux."""
    if system != "linux":
        raise UsageError(f"ingress envoy needs Linux, this is {platform.system() or system}; leave it out")
    if named:
        program = shutil.which(named)
        if program is None:
            raise UsageError(f"setting embedded.envoy_program: {named} is not an executable program")
        return str(Path(program).absolute())
    places = [Path(sys.executable).parent, extra("envoy") / "bin"] if folders is None else folders
    program = shutil.which("envoy", path=os.pathsep.join([*map(str, places), os.environ.get("PATH", "")]))
    if program is None:
        raise UsageError(f"ingress envoy: Envoy is not installed; {REMEDY}")
    return program


class EnvoyOutput:
    """Hears what Envoy says: keeps the last of it, and minds refusals."""

    def __init__(self) -> None:
        self.refused = asyncio.Event()
        self._lines: deque[str] = deque(maxlen=SHOWN_LINES)

    def __call__(self, line: str) -> None:
        self._lines.append(line)
        if "rejected" in line:
            self.refused.set()

    def __str__(self) -> str:
        return " | ".join(self._lines) or "it wrote nothing"


class Envoy:
    """A running Envoy."""

    def __init__(self, child: ChildProgram, admin_port: int, said: EnvoyOutput) -> None:
        self._child = child
        self._admin_port = admin_port
        self._client = Client()
        self._said = said
        self.port = 0

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    async def ask(self, path: str) -> str | None:
        """What the administration answers; None when it does not, or not with 200."""
        request = Request("GET", path, envoy_config.LOOPBACK)
        try:
            answer = await self._client.call(envoy_config.LOOPBACK, self._admin_port, request)
        except ExchangeError:
            return None
        return answer.body.decode("utf-8", "replace") if answer.status == 200 else None

    async def listen(self) -> None:
        """Return when it takes requests. Raises PlatformError when it does not in time."""
        end = time.monotonic() + START_SECONDS
        while await self.ask("/ready") is None:
            await _pause(self._child, end, self._said)
        listed = json.loads(await self.ask("/listeners?format=json") or "{}").get("listener_statuses", ())
        for entry in listed:
            if entry["name"] == envoy_config.LISTENER:
                self.port = int(entry["local_address"]["socket_address"]["port_value"])
        if not self.port:
            raise PlatformError(f"Envoy does not listen: {self._said}")

    async def follow(self, tables: EnvoyTables, files: EnvoyFiles) -> None:
        """Hand on every change until cancelled."""
        while True:
            await tables.changed.wait()
            tables.changed.clear()
            fresh = files.write_backends(tables)
            if fresh is not None:
                await self._warm(fresh)
            files.write_routes(tables)

    async def watch(self) -> None:
        """Raises PlatformError when it ends by itself, or refuses what it was told."""
        ended = asyncio.ensure_future(self._child.wait())
        refused = asyncio.ensure_future(self._said.refused.wait())
        try:
            await asyncio.wait([ended, refused], return_when=asyncio.FIRST_COMPLETED)
            happened = f"ended with code {ended.result()}" if ended.done() else "refused its configuration"
            raise PlatformError(f"Envoy {happened}: {self._said}")
        finally:
            ended.cancel()
            refused.cancel()

    async def _warm(self, number: int) -> None:
        """Return when it has this version of the clusters, or after a while without."""
        end = time.monotonic() + WARM_SECONDS
        filters = "/stats?filter=^cluster_manager\\.(cds\\.version_text|warming_clusters)$"
        while time.monotonic() < end:
            lines = dict(line.partition(": ")[::2] for line in (await self.ask(filters) or "").splitlines())
            found = lines.get("cluster_manager.cds.version_text", "").strip('"')
            if found == str(number) and lines.get("cluster_manager.warming_clusters") == "0":
                return
            await asyncio.sleep(STEP_SECONDS)


@asynccontextmanager
async def envoy(program: str, port: int, tables: EnvoyTables) -> AsyncIterator[Envoy]:
    """Run Envoy with what the tables say, until the block ends.

    Raises PlatformError when it does not start, or ends before the block does."""
    with tempfile.TemporaryDirectory(prefix="embedded-envoy-") as name:
        folder = Path(name)
        files = EnvoyFiles(folder)
        files.write_backends(tables)
        files.write_routes(tables)
        start = folder / "bootstrap.json"
        start.write_text(json.dumps(envoy_config.bootstrap(folder, port)), encoding="utf-8")
        said = EnvoyOutput()
        child = await ChildProgram.start(_command(program, start, folder / "admin"), said)
        try:
            running = Envoy(child, await _admin_port(child, folder / "admin", said), said)
            await running.listen()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in (running.watch(), running.follow(tables, files))]
                yield running
                for task in tasks:
                    task.cancel()
        finally:
            await child.stop()


async def _admin_port(child: ChildProgram, path: Path, said: EnvoyOutput) -> int:
    """The port that Envoy chose for its administration."""
    end = time.monotonic() + START_SECONDS
    while True:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if ":" in text:
            return int(text.rpartition(":")[2])
        await _pause(child, end, said)


async def _pause(child: ChildProgram, end: float, said: EnvoyOutput) -> None:
    """Wait a moment for Envoy's start. Raises PlatformError when it has ended, or its time is over."""
    if child.ended:
        raise PlatformError(f"Envoy did not start: {said}")
    if time.monotonic() > end:
        raise PlatformError(f"Envoy is not ready after {START_SECONDS:g} s: {said}")
    await asyncio.sleep(STEP_SECONDS)


def _command(program: str, start: Path, admin: Path) -> list[str]:
    own = [sys.executable, die_with_parent.__file__, str(os.getpid()), program]
    return [
        *own,
        "--config-path", str(start),
        "--admin-address-path", str(admin),
        "--disable-hot-restart",
        "--concurrency", "1",
        "--log-level", "warning",
        "--log-format", "%l %v",
    ]  # fmt: skip
