"""A registry beside the cluster that holds the witness, under its own name and under the documented transformer's.

Nodes ask it first for anything of docker.io and fall back to the real one. That is what lets the transformer example
run unchanged: its image is tagged `latest`, which is always pulled, so preloading it would not help. testcontainers
starts the registry and removes it, also after a crash.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import yaml

from clusters.images.container_cli import ContainerCli
from clusters.images.image_names import WITNESS
from clusters.images.local_images import REMEDY, ensure
from clusters.images.testcontainer import running
from clusters.images.witness_build import build_context, built_witness
from conformance.base.announcements import announced
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError
from conformance.kube.serving_runtimes import TRANSFORMER_IMAGE

IMAGE: Final = "registry:2"
PORT: Final = 5000


@dataclass(frozen=True, slots=True)
class ImageRegistry:
    """A running registry."""

    outside: str
    """host:port for pushes from this machine."""
    container: str
    """Container name, which is its host name for nodes in the same network."""

    @property
    def inside(self) -> str:
        """URL for nodes."""
        return f"http://{self.container}:{PORT}"

    def hosts_toml(self, mirror: str | None = None) -> bytes:
        """containerd's configuration of docker.io on a node: this registry, the user's mirror, Docker Hub."""
        return _hosts([self.inside, *_urls(mirror)], server="https://registry-1.docker.io")

    def registries_yaml(self, mirror: str | None = None) -> str:
        """k3s's form of the same, the user's mirror for all other registries too."""
        endpoints = {"docker.io": [self.inside, *_urls(mirror)], **({"*": _urls(mirror)} if mirror else {})}
        return yaml.safe_dump({"mirrors": {name: {"endpoint": urls} for name, urls in endpoints.items()}})


def mirror_hosts_toml(mirror: str) -> bytes:
    """containerd's configuration of every registry that has none of its own: the user's mirror first. containerd names
    the wanted registry in the query, as pull-through proxies expect."""
    return _hosts(_urls(mirror))


def _urls(mirror: str | None) -> list[str]:
    """URL of a mirror given as [scheme://]host[:port][/path]; https unless it says otherwise."""
    if not mirror:
        return []
    scheme, sign, rest = mirror.rstrip("/").rpartition("://")
    host, slash, path = rest.partition("/")
    return [f"{scheme if sign else 'https'}://{host}" + (f"/v2/{path}" if slash else "")]


def _hosts(urls: list[str], server: str | None = None) -> bytes:
    lines = [f'server = "{server}"'] if server else []
    for url in urls:
        lines += [f'[host."{url}"]', '  capabilities = ["pull", "resolve"]']
        if "/v2/" in url:
            lines.append("  override_path = true")
    return ("\n".join(lines) + "\n").encode()


@asynccontextmanager
async def registry(
    docker: ContainerCli, network: str, clock: Clock, make: Callable[[], Any] | None = None
) -> AsyncIterator[ImageRegistry]:
    """Start one in a Docker network, stop it at the end. `make` gives a testcontainers container.

    It starts in the network, since joining one later moves the published port (Docker 28). The port is asked of the
    docker command, as it is that daemon that pushes, to its own loopback: testcontainers, itself in a container, would
    name an address that the daemon takes for a registry with TLS."""
    container = (make or registry_container)()
    container.with_exposed_ports(PORT)
    container.with_kwargs(network=network)
    async with running(container, "the registry", IMAGE, docker, clock):
        name = str(container.get_wrapped_container().name)
        yield ImageRegistry(await docker.port(name, PORT), name)


def registry_container() -> Any:
    """A registry for testcontainers to start; the import brings Docker's client. Its log says when it is ready, which
    can be read wherever this process runs; its port may not be reachable from here."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    return DockerContainer(IMAGE).waiting_for(LogMessageWaitStrategy("listening on"))


async def _build(docker: ContainerCli, image: str, clock: Clock) -> None:
    """Raises PlatformError with what to do where it cannot be built, as without internet."""
    try:
        with announced(f"building {image}", clock), build_context() as (dockerfile, folder):
            await docker.build(dockerfile, image, folder)
    except PlatformError as error:
        raise PlatformError(
            f"the witness cannot be built here: {error}; build it on another machine under the name {image} and put it "
            "into the local Docker (docker load), or name one in placement.witness_image"
        ) from error


async def fill(docker: ContainerCli, place: ImageRegistry, clock: Clock, image: str | None = None) -> str:
    """Build the witness unless an image is given, push it, and return the reference pods use: by digest, so that a
    manifest's `runtimeVersion` cannot rewrite it."""
    if image is None:
        image = built_witness()
        if not await docker.has(image):
            await _build(docker, image, clock)
    else:
        await ensure(docker, image, clock, f"{REMEDY}, or correct placement.witness_image")
    with announced("pushing the witness to the registry beside the nodes", clock):
        digest = await docker.push(image, f"{place.outside}/{WITNESS}")
        await docker.push(image, f"{place.outside}/{TRANSFORMER_IMAGE}")
    return f"docker.io/{WITNESS.rpartition(':')[0]}@{digest}"
