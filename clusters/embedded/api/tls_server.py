"""The API server behind TLS on loopback, with what a client needs to reach it.

TLS is not for secrecy there: kubectl and client-go send no token over plain HTTP, so without it nobody could log in.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

NAME: Final = "embedded"
LOOPBACK: Final = "127.0.0.1"


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that nobody else may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


@dataclass(frozen=True, slots=True)
class Identity:
    """A throw-away certificate authority, and a server certificate for loopback as PEM files in a folder."""

    certificate: Path
    key: Path
    authority_pem: bytes

    @classmethod
    def create(cls, folder: Path) -> Identity:
        """Make and write one; the files are readable by their owner only."""
        import trustme

        authority = trustme.CA(organization_name="embedded API server")
        issued = authority.issue_cert(LOOPBACK, "localhost", "::1", common_name="kube-apiserver")
        certificate, key = folder / "server.pem", folder / "server.key"
        write_private(certificate, b"".join(part.bytes() for part in issued.cert_chain_pems))
        write_private(key, issued.private_key_pem.bytes())
        return cls(certificate, key, authority.cert_pem.bytes())


def kubeconfig(address: str, authority_pem: bytes, token: str, *, namespace: str = "default") -> bytes:
    """A kubeconfig (JSON is YAML) with one context for `https://address`."""
    authority = base64.b64encode(authority_pem).decode()
    cluster = {"server": f"https://{address}", "certificate-authority-data": authority}
    context = {"cluster": NAME, "user": NAME, "namespace": namespace}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": context}],
        "current-context": NAME,
    }
    return json.dumps(config, indent=1).encode()


@asynccontextmanager
async def serve(app: Any, identity: Identity, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """Serve an ASGI application while the block runs, on a listening socket or any free port; yields `host:port`."""
    import uvicorn

    bound = listener or socket.create_server((LOOPBACK, 0))
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        ssl_certfile=identity.certificate,
        ssl_keyfile=identity.key,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]  # the process has its own
    running = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started:
            if running.done():
                running.result()
                raise RuntimeError("the server ended while starting")
            await asyncio.sleep(0.01)
        host, port = bound.getsockname()[:2]
        yield f"{host}:{port}"
    finally:
        # TLS connections would wait for their peers' goodbye, which may never come.
        kept = [getattr(connection, "transport", None) for connection in server.server_state.connections]
        server.should_exit = server.force_exit = True
        await running
        for transport in kept:
            if transport is not None:
                transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)
        bound.close()
