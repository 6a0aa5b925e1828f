"""A k3s server in one container, by testcontainers, with the same installation as kind's.

testcontainers blocks, so its calls run in threads. The container is new for each run and gone afterwards, also after a
crash: testcontainers' own reaper sees to that.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from clusters import versions
from clusters.discovery.ingress_discovery import joined
from clusters.images.container_cli import ContainerCli, find_containers
from clusters.images.image_names import WITNESS
from clusters.images.image_registry import ImageRegistry, fill, registry, registry_container
from clusters.images.testcontainer import network as network_of
from clusters.images.testcontainer import running
from clusters.provisioning.gateway_port import NODE_PORT, answering
from clusters.provisioning.installed_stack import installed_stack, model_source
from conformance.base.clock import Clock
from conformance.base.errors import UsageError
from conformance.kube.cluster import Cluster, Ingress
from conformance.settings.settings import Settings

REGISTRIES: Final = "/etc/rancher/k3s/registries.yaml"


class ContainerFactory(Protocol):
    """Makes what testcontainers makes."""

    def network(self) -> Any:
        """A context manager whose value containers are put into."""

    def registry(self) -> Any:
        """A registry container, not started."""

    def server(self, image: str) -> Any:
        """A k3s container, not started."""


class Testcontainers:
    """The factory in use; the imports are late because they bring Docker's client."""

    def network(self) -> Any:
        from testcontainers.core.network import Network

        return Network()

    def registry(self) -> Any:
        return registry_container()

    def server(self, image: str) -> Any:
        from testcontainers.community.k3s import K3SContainer

        return K3SContainer(image)


class K3sProvider:
    """Opens a k3s cluster."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        factory: ContainerFactory | None = None,
        docker: ContainerCli | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._factory = factory or Testcontainers()
        self._docker = docker

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Cluster]:
        from conformance.kube.official_client import connect

        settings = self._settings
        if settings.gpu == "real":
            raise UsageError("gpu real needs cluster kind or existing; k3s in a container has only emulated ones")
        docker = self._docker or find_containers()
        await docker.server()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-k3s-")))
            network = await stack.enter_async_context(network_of(self._factory.network()))
            place = await stack.enter_async_context(registry(docker, network.name, self._clock, self._factory.registry))
            image = WITNESS
            if settings.model == "witness":
                image = await fill(docker, place, self._clock, settings.placement.witness_image)
            models = await model_source(stack, settings, docker, image, network.name, self._clock)
            server = await stack.enter_async_context(self._server(docker, folder, place, network))
            kubeconfig = folder / "kubeconfig"
            kubeconfig.touch(0o600)
            kubeconfig.write_text(await asyncio.to_thread(server.config_yaml), encoding="utf-8")
            api = await connect(str(kubeconfig))
            stack.push_async_callback(api.close)
            found, notes = await stack.enter_async_context(
                installed_stack(api, settings, self._clock, kubeconfig, models)
            )
            address = joined(server.get_container_host_ip(), int(server.get_exposed_port(NODE_PORT)))
            await answering(address, self._clock)
            yield Cluster(
                provider="k3s",
                api=api,
                ingress=Ingress(address),
                installation=found.installation,
                clock=self._clock,
                witness_image=image,
                kubeconfig=str(kubeconfig),
                disposable=True,
                owned=True,
                notes=(*found.notes, *notes),
                cpu_seconds=partial(docker.cpu_seconds, str(server.get_wrapped_container().name)),
            )

    @asynccontextmanager
    async def _server(
        self, docker: ContainerCli, folder: Path, place: ImageRegistry, network: Any
    ) -> AsyncIterator[Any]:
        mirrors = folder / "registries.yaml"
        mirrors.write_text(place.registries_yaml(self._settings.placement.registry_mirror), encoding="utf-8")
        image = versions.row(self._settings.install.kserve).k3s_image
        server = self._factory.server(image)
        server.with_exposed_ports(NODE_PORT)
        server.with_network(network)
        server.with_volume_mapping(str(mirrors), REGISTRIES, "ro")
        async with running(server, "k3s", image, docker, self._clock):
            yield server
