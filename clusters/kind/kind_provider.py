"""A kind cluster with everything installed: made, or reused when it is ours; logs kept when something goes wrong.

Ours is a cluster whose nodes carry the owner label that our configurations give them at creation. Any other cluster of
the same name is refused and never touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from clusters import versions
from clusters.gpu.real import prepare_node
from clusters.images.container_cli import ContainerCli, find_containers
from clusters.images.image_names import WITNESS
from clusters.images.image_registry import fill, mirror_hosts_toml, registry
from clusters.kind.cli import KindCli, find_kind
from clusters.kind.kind_cluster import kind_cluster, removal
from clusters.kind.node_images import load_archives
from clusters.provisioning.gateway_port import NODE_PORT, answering
from clusters.provisioning.installed_stack import installed_stack, model_source
from conformance.base.clock import Clock
from conformance.base.errors import PlatformError, UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster, Ingress
from conformance.kube.resources import NODES
from conformance.kube.verbs import list_all
from conformance.settings.settings import Settings

OWNER_LABEL: Final = "conformance.serving/owner"
OWNER: Final = "serving-conformance"
NETWORK: Final = "kind"


class KindProvider:
    """Opens a kind cluster."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        kind: KindCli | None = None,
        docker: ContainerCli | None = None,
        make_registry: Callable[[], Any] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._kind = kind
        self._docker = docker
        self._make_registry = make_registry

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Cluster]:
        from conformance.kube.official_client import connect

        docker = self._docker or find_containers()
        await docker.server()
        kind = self._kind or find_kind()
        settings, name = self._settings, self._settings.install.cluster_name
        found_kind, pinned = await kind.version(), versions.kind().version
        notes = () if found_kind == pinned else (f"kind {found_kind} is used, this suite is written for {pinned}",)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-kind-")))
            kubeconfig = folder / "kubeconfig"
            reused = name in await kind.clusters()
            await stack.enter_async_context(
                kind_cluster(kind, docker, settings, self._clock, kubeconfig, reused=reused)
            )
            api = await connect(str(kubeconfig))
            stack.push_async_callback(api.close)
            await require_ours(api, name)
            image, models = await self._images(stack, kind, docker)
            if settings.gpu == "real":
                for node in await self._workers(kind):
                    await prepare_node(docker, node)
            found, more = await stack.enter_async_context(
                installed_stack(api, settings, self._clock, kubeconfig, models)
            )
            address = await docker.port(f"{name}-control-plane", NODE_PORT)
            await answering(address, self._clock)
            yield Cluster(
                provider="kind",
                api=api,
                ingress=Ingress(address),
                installation=found.installation,
                clock=self._clock,
                witness_image=image,
                kubeconfig=str(kubeconfig),
                disposable=not reused and settings.install.keep != "always",
                owned=True,
                notes=(*notes, *found.notes, *more),
                cpu_seconds=partial(_cpu_seconds, docker, await kind.nodes(name)),
            )

    async def _workers(self, kind: KindCli) -> tuple[str, ...]:
        nodes = await kind.nodes(self._settings.install.cluster_name)
        return tuple(node for node in nodes if "control-plane" not in node)

    async def _images(
        self, stack: AsyncExitStack, kind: KindCli, docker: ContainerCli
    ) -> tuple[str, dict[str, Any] | None]:
        """Give nodes their images; returns the witness's reference and where models come from."""
        settings = self._settings
        name, mirror = settings.install.cluster_name, settings.placement.registry_mirror
        nodes = await kind.nodes(name)
        if settings.install.images:
            await load_archives(kind, docker, name, nodes, Path(settings.install.images), self._clock)
        if mirror:
            for node in nodes:
                await _hosts(docker, node, "_default", mirror_hosts_toml(mirror))
        if settings.model == "real":
            return WITNESS, await model_source(stack, settings, docker, WITNESS, NETWORK, self._clock)
        place = await stack.enter_async_context(registry(docker, NETWORK, self._clock, self._make_registry))
        for node in nodes:
            await _hosts(docker, node, "docker.io", place.hosts_toml(mirror))
        image = await fill(docker, place, self._clock, settings.placement.witness_image)
        return image, await model_source(stack, settings, docker, image, NETWORK, self._clock)


async def _cpu_seconds(docker: ContainerCli, nodes: Sequence[str]) -> float:
    return sum([await docker.cpu_seconds(node) for node in nodes])


async def _hosts(docker: ContainerCli, node: str, host: str, content: bytes) -> None:
    folder = f"/etc/containerd/certs.d/{host}"
    await docker.execute(node, ["mkdir", "-p", folder])
    await docker.execute(node, ["cp", "/dev/stdin", f"{folder}/hosts.toml"], content)


async def require_ours(api: ApiClient, name: str) -> None:
    """Raises UsageError when a node of the cluster lacks the owner label, PlatformError when nobody answers."""
    try:
        nodes, _ = await list_all(api, NODES)
    except PlatformError as error:
        raise PlatformError(
            f"the API server of kind cluster {name} does not answer ({error}); {removal(name)}, or set "
            "install.cluster_name to another name"
        ) from error
    if not nodes or any((node["metadata"].get("labels") or {}).get(OWNER_LABEL) != OWNER for node in nodes):
        raise UsageError(
            f"a kind cluster {name!r} that this suite did not make is there; set install.cluster_name to another name"
        )
