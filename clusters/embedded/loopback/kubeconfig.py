"""The files that let kubectl and the official clients in: a kubeconfig and a token, readable by their owner alone.

The API speaks TLS even on loopback, because client-go sends no token over plain HTTP.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

NAME: Final = "embedded"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files of the server's certificate, and the authority that vouches for it."""

    chain: Path
    key: Path
    authority: bytes


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that nobody else may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def certificates(folder: Path) -> Certificates:
    """A fresh authority and a certificate for loopback."""
    import trustme

    authority = trustme.CA(organization_name="embedded reference platform")
    issued = authority.issue_cert("127.0.0.1", "::1", "localhost")
    chain, key = folder / "server.pem", folder / "server.key"
    write_private(chain, b"".join(part.bytes() for part in issued.cert_chain_pems))
    write_private(key, issued.private_key_pem.bytes())
    return Certificates(chain, key, authority.cert_pem.bytes())


def write_kubeconfig(folder: Path, server: str, token: str, authority: bytes) -> Path:
    """A kubeconfig with one context, and the token in a file beside it."""
    encoded = base64.b64encode(authority).decode()
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": server, "certificate-authority-data": encoded}}],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    }
    path = folder / "kubeconfig"
    write_private(path, yaml.safe_dump(value).encode())
    write_private(folder / "token", token.encode())
    return path
