"""The API server on a loopback port, with what a client needs to reach it.

TLS is not for secrecy on loopback: kubectl sends no token to a plain HTTP server, so without TLS nobody could log in.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLUSTER_NAME = "embedded"
CLOSING_SECONDS = 0.05
"""Transports close in a later turn of the loop; TLS ones take two."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A throw-away certificate authority and a server certificate for loopback names, as PEM files in a folder."""

    certificate: Path
    key: Path
    authority_pem: bytes

    @classmethod
    def create(cls, folder: Path) -> Identity:
        """Make and write one; the key is readable by its owner only."""
        import trustme

        authority = trustme.CA(organization_name="embedded platform")
        server = authority.issue_cert("127.0.0.1", "localhost", "::1", common_name="kube-apiserver")
        certificate, key = folder / "apiserver.crt", folder / "apiserver.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        key.touch(mode=0o600)
        key.write_bytes(server.private_key_pem.bytes())
        return cls(certificate, key, authority.cert_pem.bytes())


def kubeconfig(address: str, authority_pem: bytes, token: str, *, namespace: str = "default") -> str:
    """A kubeconfig (JSON is YAML) with one context for `https://address`."""
    import base64

    authority = base64.b64encode(authority_pem).decode()
    cluster = {"server": f"https://{address}", "certificate-authority-data": authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CLUSTER_NAME, "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": token}}],
            "contexts": [
                {
                    "name": CLUSTER_NAME,
                    "context": {"cluster": CLUSTER_NAME, "user": "admin", "namespace": namespace},
                }
            ],
            "current-context": CLUSTER_NAME,
        },
        indent=1,
    )


@asynccontextmanager
async def serve(app: Any, identity: Identity, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI application while the block runs; yields `host:port`. Raises OSError when the port is taken."""
    import asyncio
    import socket

    import uvicorn

    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        ssl_certfile=identity.certificate,
        ssl_keyfile=identity.key,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
        access_log=False,
        server_header=False,
        date_header=True,
    )
    server = uvicorn.Server(config)
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    running = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if running.done():
                running.result()
            await asyncio.sleep(0.01)
        bound = listener.getsockname()
        yield f"[{bound[0]}]:{bound[1]}" if ":" in bound[0] else f"{bound[0]}:{bound[1]}"
    finally:
        server.should_exit = True
        await asyncio.gather(running, return_exceptions=True)
        for connection in list(server.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        await asyncio.sleep(CLOSING_SECONDS)
        listener.close()


def _no_signals() -> Any:
    """The process that embeds the server owns its signals."""
    from contextlib import nullcontext

    return nullcontext()
