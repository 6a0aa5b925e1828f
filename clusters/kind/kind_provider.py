"""A kind cluster with everything installed: made, or reused when it is ours; logs kept when something goes wrong.

Ours is a cluster whose nodes carry the owner label that our configurations give them at creation. Any other cluster of
the same name is refused and never touched.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from clusters import versions
from clusters.discovery.ingress_discovery import reachable
from clusters.gpu.real import prepare_node
from clusters.images.container_cli import ContainerCli, find_containers
from clusters.images.image_names import WITNESS
from clusters.images.image_registry import fill, mirror_hosts_toml, registry
from clusters.kind.cli import KindCli, find_kind
from clusters.provisioning.gateway_port import NODE_PORT
from clusters.provisioning.installed_stack import installed_stack, model_source
from conformance.base.clock import Clock
from conformance.base.errors import ConformanceError, PlatformError, UsageError
from conformance.kube.api_client import ApiClient
from conformance.kube.cluster import Cluster, Ingress
from conformance.kube.resources import NODES
from conformance.kube.verbs import list_all
from conformance.settings.settings import Settings

FOLDER: Final = Path(__file__).parent
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

        kind = self._kind or find_kind()
        docker = self._docker or find_containers()
        await docker.server()
        settings, name = self._settings, self._settings.install.cluster_name
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-kind-")))
            kubeconfig = folder / "kubeconfig"
            notes = await stack.enter_async_context(self._cluster(kind, kubeconfig))
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
            if not await reachable(address):
                raise PlatformError(f"the gateway does not answer on {address}; see kubectl get pods -A")
            yield Cluster(
                provider="kind",
                api=api,
                ingress=Ingress(address),
                installation=found.installation,
                clock=self._clock,
                witness_image=image,
                kubeconfig=str(kubeconfig),
                notes=(*notes, *found.notes, *more),
            )

    @asynccontextmanager
    async def _cluster(self, kind: KindCli, kubeconfig: Path) -> AsyncIterator[tuple[str, ...]]:
        """The bare cluster; deleted at the end if it was made here, as `install.keep` says."""
        install = self._settings.install
        name = install.cluster_name
        found, pinned = await kind.version(), versions.kind().version
        notes = () if found == pinned else (f"kind {found} is used, {pinned} is what this suite is written for",)
        reused = name in await kind.clusters()
        if reused:
            kubeconfig.touch(0o600)
            kubeconfig.write_text(await kind.kubeconfig(name), encoding="utf-8")
        failed = True
        try:
            if not reused:
                await self._create(kind, kubeconfig)
            yield (*notes, f"kind cluster {name} was {'reused' if reused else 'created'}")
            failed = False
        except asyncio.CancelledError:
            # Whoever interrupts a run wants it gone, not kept for its logs.
            failed = False
            raise
        except ConformanceError:
            if not reused:
                await kind.export_logs(name, self._logs())
            raise
        finally:
            if not reused and (install.keep == "never" or (install.keep == "on-failure" and not failed)):
                await kind.delete(name, kubeconfig)

    async def _create(self, kind: KindCli, kubeconfig: Path) -> None:
        install = self._settings.install
        config = FOLDER / f"{ {'real': 'gpu-real', 'none': 'cpu'}.get(self._settings.gpu or '', 'gpu-emulated') }.yaml"
        image = versions.row(install.kserve).node_image
        within = self._settings.timeouts.install_timeout_seconds
        try:
            await kind.create(install.cluster_name, config, image, kubeconfig, within)
        except PlatformError as error:
            remedy = f"remove it with: kind delete cluster --name {install.cluster_name}"
            raise PlatformError(f"{error}; logs are in {self._logs()}, {remedy}") from error

    def _logs(self) -> Path:
        return Path(self._settings.reports).parent / "logs" / self._settings.install.cluster_name

    async def _workers(self, kind: KindCli) -> tuple[str, ...]:
        nodes = await kind.nodes(self._settings.install.cluster_name)
        return tuple(node for node in nodes if "control-plane" not in node)

    async def _images(
        self, stack: AsyncExitStack, kind: KindCli, docker: ContainerCli
    ) -> tuple[str, dict[str, Any] | None]:
        """Give nodes their images; returns the witness's reference and where models come from."""
        settings = self._settings
        name, mirror = settings.install.cluster_name, settings.placement.registry_mirror
        if settings.install.images:
            for archive in sorted(Path(settings.install.images).glob("*.tar")):
                await kind.load_archive(name, archive)
        nodes = await kind.nodes(name)
        if mirror:
            for node in nodes:
                await _hosts(docker, node, "_default", mirror_hosts_toml(mirror))
        if settings.model == "real":
            return WITNESS, await model_source(stack, settings, docker, WITNESS, NETWORK)
        place = await stack.enter_async_context(registry(self._make_registry))
        await docker.join(place.container, NETWORK)
        for node in nodes:
            await _hosts(docker, node, "docker.io", place.hosts_toml(mirror))
        image = await fill(docker, place, settings.placement.witness_image)
        return image, await model_source(stack, settings, docker, image, NETWORK)


async def _hosts(docker: ContainerCli, node: str, host: str, content: bytes) -> None:
    folder = f"/etc/containerd/certs.d/{host}"
    await docker.execute(node, ["mkdir", "-p", folder])
    await docker.execute(node, ["cp", "/dev/stdin", f"{folder}/hosts.toml"], content)


async def require_ours(api: ApiClient, name: str) -> None:
    """Raises UsageError when a node of the cluster lacks the owner label."""
    nodes, _ = await list_all(api, NODES)
    if not nodes or any((node["metadata"].get("labels") or {}).get(OWNER_LABEL) != OWNER for node in nodes):
        raise UsageError(
            f"a kind cluster {name!r} that this suite did not make is there; set install.cluster_name to another name"
        )
