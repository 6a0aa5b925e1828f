"""The embedded platform behind sockets: its API on TLS, its ingress on HTTP/1.1, loopback only."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clusters.embedded.api import tls_server
from clusters.embedded.faults import behaviour_of
from clusters.embedded.install.platform_options import PlatformOptions
from clusters.embedded.loopback.process_lag import watching
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
        identity = tls_server.Identity.create(folder)
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        async with Platform(
            RealClock(), seed, options, fault, ingress_port=ingress_port, programs=programs
        ) as platform:
            files = ServedPlatform(
                platform, f"https://{address}", platform.ingress_address, folder / "kubeconfig", folder / "token"
            )
            config = tls_server.kubeconfig(address, identity.authority_pem, platform.token)
            tls_server.write_private(files.kubeconfig, config)
            tls_server.write_private(files.token_file, platform.token.encode())
            async with watching(platform.app) as vitals, tls_server.serve(vitals, identity, listener):
                yield files
