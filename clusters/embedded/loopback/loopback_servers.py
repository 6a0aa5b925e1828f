"""The embedded platform behind sockets: its API on TLS, its ingress on HTTP/1.1, loopback only."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clusters.embedded.faults import behaviour_of
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.kubeconfig import certificates, write_kubeconfig
from clusters.embedded.loopback.process_lag import ProcessLag, watching
from clusters.embedded.platform import Platform
from clusters.embedded.programs.installed_programs import check_programs, find_programs
from conformance.base import gc_tuning
from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServedPlatform:
    """A platform that can be reached."""

    platform: Platform
    server: str
    """Address of the API."""
    ingress: str
    """`host:port`."""
    kubeconfig: Path
    token_file: Path

    def body(self) -> dict[str, Any]:
        """What another process needs to use it; the token itself stays in its file."""
        return {
            "kubeconfig": str(self.kubeconfig),
            "server": self.server,
            "ingress": self.ingress,
            "token_file": str(self.token_file),
            "pid": os.getpid(),
            "fault": self.platform.fault,
            "parts": list(self.platform.programs.lines()),
            "versions": self.platform.programs.versions(),
        }


def bind(port: int, option: str) -> socket.socket:
    """A listening socket on loopback; 0 takes any port. Raises PlatformError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise _taken(port, option, error) from error
    listener.setblocking(False)
    return listener


def _taken(port: int, option: str, error: OSError) -> PlatformError:
    reason = error.strerror or str(error)
    return PlatformError(f"port {port} on {LOOPBACK}: {reason}; choose another with {option}, or 0 for any free one")


@asynccontextmanager
async def serving(
    *, seed: int, options: PlatformOptions, fault: str | None, port: int = 0, ingress_port: int = 0
) -> AsyncIterator[ServedPlatform]:
    """Run a platform and serve it.

    Raises PlatformError for a port in use, UsageError for an unknown fault, or a part that is not installed."""
    check_programs(options, fault, behaviour_of(fault), real=True)
    programs = await find_programs(options)
    listener = bind(port, "--port")
    if ingress_port:
        bind(ingress_port, "--ingress-port").close()
    with gc_tuning.rarely(), listener, tempfile.TemporaryDirectory(prefix="embedded-platform-") as name:
        folder = Path(name)
        found = certificates(folder)
        server = f"https://{LOOPBACK}:{listener.getsockname()[1]}"
        async with Platform(
            RealClock(), seed, options, fault, ingress_port=ingress_port, programs=programs
        ) as platform:
            kubeconfig = write_kubeconfig(folder, server, platform.token, found.authority)
            async with (
                watching(platform.app) as vitals,
                _api(vitals, listener, str(found.chain), str(found.key)),
            ):
                yield ServedPlatform(platform, server, platform.ingress_address, kubeconfig, folder / "token")


@asynccontextmanager
async def _api(app: ProcessLag, listener: socket.socket, chain: str, key: str) -> AsyncIterator[None]:
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves signals to whoever runs the platform."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=True,
        ssl_certfile=chain,
        ssl_keyfile=key,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if running.done():
                running.result()
                raise PlatformError("the API server ended while starting")
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        server.force_exit = True
        await running
