"""A registry beside the cluster that holds the witness, under its own name and under the documented transformer's.

Nodes ask it first for anything of docker.io and fall back to the real one. That is what lets the transformer example
run unchanged: its image is tagged `latest`, which is always pulled, so preloading it would not help. testcontainers
starts the registry and removes it, also after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from clusters.containers import ROOT, ContainerCli
from clusters.images import WITNESS
from fixtures.runtimes.runtimes import TRANSFORMER_IMAGE

IMAGE: Final = "registry:2"
PORT: Final = 5000
DOCKERFILE: Final = ROOT / "fixtures" / "witness" / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Registry:
    """A running registry."""

    outside: str
    """host:port for pushes from this machine."""
    container: str
    """Container name, which is its host name for nodes in the same network."""

    @property
    def inside(self) -> str:
        """URL for nodes."""
        return f"http://{self.container}:{PORT}"

    @property
    def hosts_toml(self) -> bytes:
        """containerd's configuration of docker.io on a node."""
        return (
            f'server = "https://registry-1.docker.io"\n[host."{self.inside}"]\n  capabilities = ["pull", "resolve"]\n'
        ).encode()

    @property
    def registries_yaml(self) -> str:
        """k3s's form of the same."""
        return f'mirrors:\n  docker.io:\n    endpoint:\n      - "{self.inside}"\n'


@asynccontextmanager
async def registry(make: Callable[[], Any] | None = None, network: Any = None) -> AsyncIterator[Registry]:
    """Start one, stop it at the end. `make` gives a testcontainers container, `network` a testcontainers network."""
    container = (make or registry_container)()
    container.with_exposed_ports(PORT)
    if network is not None:
        container.with_network(network)
    await asyncio.to_thread(container.start)
    try:
        host, port = container.get_container_host_ip(), container.get_exposed_port(PORT)
        yield Registry(f"{host}:{port}", str(container.get_wrapped_container().name))
    finally:
        await asyncio.to_thread(container.stop)


def registry_container() -> Any:
    """A registry for testcontainers to start; the import brings Docker's client."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    return DockerContainer(IMAGE).waiting_for(HttpWaitStrategy(PORT, "/v2/"))


async def fill(docker: ContainerCli, place: Registry, image: str | None = None) -> str:
    """Build the witness unless an image is given, push it, and return the reference pods use: by digest, so that a
    manifest's `runtimeVersion` cannot rewrite it."""
    if image is None:
        image = WITNESS
        if not await docker.has(image):
            await docker.build(DOCKERFILE, image)
    digest = await docker.push(image, f"{place.outside}/{WITNESS}")
    await docker.push(image, f"{place.outside}/{TRANSFORMER_IMAGE}")
    return f"docker.io/{WITNESS.rpartition(':')[0]}@{digest}"
