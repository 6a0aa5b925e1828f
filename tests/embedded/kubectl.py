"""kubectl against a served platform: sessions of commands, each with what its output must say.

A session is a file in `platform/sessions` with one command a line: `WORDS => TEXT` for one that must succeed and
`WORDS =!> TEXT` for one that must end with code 1. `TEXT` is part of the output; several parts are separated by ` && `,
none means any output. `{name}` stands for what the test gives under that name. Commands run in that folder.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.loopback_servers import serving
from clusters.embedded.platform import Platform
from conformance.kube.resources import NAMESPACES, SERVING_RUNTIMES
from conformance.kube.serving_runtimes import runtimes

SESSIONS = Path(__file__).parent / "platform" / "sessions"
SPACE = "team"
COMMAND_SECONDS = 60.0


def executable() -> str | None:
    """kubectl of this environment, else of the machine."""
    beside = Path(sys.executable).parent / "kubectl"
    return str(beside) if beside.exists() else shutil.which("kubectl")


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One user's kubectl, in one namespace of one platform."""

    platform: Platform
    kubeconfig: Path
    folder: Path
    ingress: str

    def _command(self, words: tuple[str, ...]) -> list[str]:
        place = executable()
        assert place is not None
        return [place, "--cache-dir", str(self.folder / "cache"), "--namespace", SPACE, *words]

    def _environment(self, **more: str) -> dict[str, str]:
        # A command that ends in moments need not tidy its memory.
        base = {"KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder), "PATH": os.environ["PATH"]}
        return {**base, "GOGC": "off", **more}

    async def run(self, *words: str, fails: bool = False, **environment: str) -> str:
        """Output of a command, errors too. It must succeed, or end with code 1."""
        process = await asyncio.create_subprocess_exec(
            *self._command(words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment(**environment),
            cwd=SESSIONS,
        )
        async with asyncio.timeout(COMMAND_SECONDS):
            out, _ = await process.communicate()
        text = out.decode()
        assert process.returncode == (1 if fails else 0), f"kubectl {shlex.join(words)}: {process.returncode}\n{text}"
        return text

    async def play(self, session: str, **names: str) -> None:
        """Run a session and compare."""
        for line in (SESSIONS / f"{session}.txt").read_text().splitlines():
            command, sign, expected = line.partition(" =!>")
            if not sign:
                command, sign, expected = line.partition(" =>")
            assert sign, f"no expectation in {line!r}"
            for name, text in names.items():
                command, expected = command.replace(f"{{{name}}}", text), expected.replace(f"{{{name}}}", text)
            output = await self.run(*shlex.split(command), fails="!" in sign)
            for part in expected.split(" && "):
                assert part.strip() in output, f"kubectl {command}: {part.strip()!r} is not in\n{output}"

    @asynccontextmanager
    async def following(self, *words: str) -> AsyncIterator[asyncio.StreamReader]:
        """The output of a command that goes on, for the time of the block."""
        process = await asyncio.create_subprocess_exec(
            *self._command(words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment(),
            cwd=SESSIONS,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                yield process.stdout
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def kubectl(folder: Path, *, witness: bool = False, nodes: int | None = None) -> AsyncIterator[Kubectl]:
    """A fresh platform with one namespace. With `witness`, documented models start and answer in moments."""
    options = PlatformOptions() if nodes is None else PlatformOptions(nodes=nodes)
    async with serving(seed=5, options=options, fault=None) as served:
        store = served.platform.store
        store.create(NAMESPACES, {"metadata": {"name": SPACE}, "status": {"phase": "Active"}})
        for runtime in runtimes("witness", service_ms=20, start_seconds=0.1) if witness else ():
            store.create(SERVING_RUNTIMES, runtime, namespace=SPACE)
        yield Kubectl(served.platform, served.kubeconfig, folder, served.ingress)
        assert served.platform.controllers.failures == []
