"""What kind and k3s have in common once their API server answers: install, expose, accelerators, discovery."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from clusters import versions
from clusters.discovery.installed_platform import DiscoveredPlatform, discover
from clusters.gpu.emulated import emulated
from clusters.gpu.fake_operator import install_fake_operator
from clusters.gpu.real import install_plugin
from clusters.images.container_cli import ContainerCli
from clusters.images.model_store import claim, model_store
from clusters.install.conditions import nodes_ready
from clusters.install.installer import Installer
from clusters.install.manifests import Manifests
from clusters.provisioning.gateway_port import expose
from clusters.provisioning.standard_ingress import standard_ingress
from conformance.base.announcements import announce, announced
from conformance.base.clock import Clock
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import CONFIG_MAPS, STORAGE_CONTAINERS
from conformance.kube.storage_container import SHIPPED, shipped_disabled, storage_container
from conformance.kube.verbs import apply, get, merge
from conformance.settings.settings import Settings

Object = dict[str, Any]

MARK: Final = ("kube-system", "serving-conformance")
"""ConfigMap that says what was installed, so that a reused cluster is not installed again."""


@asynccontextmanager
async def installed_stack(
    api: ApiClient, settings: Settings, clock: Clock, kubeconfig: Path, models: Object | None
) -> AsyncIterator[tuple[DiscoveredPlatform, tuple[str, ...]]]:
    """An installed cluster for as long as the block lasts; gives what discovery found, and notes.

    `models` is a ClusterStorageContainer for the documented models; without one KServe's own fetches them."""
    manifests = Manifests(
        folder=Path(settings.install.manifests) if settings.install.manifests else None,
        lock=Path(settings.install.lock),
        known=versions.digests(),
        require=settings.install.digests == "require",
    )
    within = settings.timeouts.install_timeout_seconds
    with announced("waiting for all nodes", clock):
        await nodes_ready(api, clock, within)
    preloaded = settings.install.images is not None
    installer = Installer(api, manifests, clock, within=within, say=announce, preloaded=preloaded)
    await _install(api, settings, installer)
    # Not marked: a reused cluster may have been made for other profiles.
    await installer.install(versions.profile_steps(versions.row(settings.install.kserve), settings.profiles))
    await expose(api, settings.install.network_layer)
    if models is not None:
        await _claim(api, models)
    resource = settings.accelerator.resource
    async with AsyncExitStack() as stack:
        if settings.gpu == "real":
            await install_plugin(api, installer, manifests, resource, clock, within)
        elif settings.gpu != "none" and settings.accelerator.emulation == "fake-gpu-operator":
            await install_fake_operator(api, resource, settings.accelerator.count, clock, within, kubeconfig)
        elif settings.gpu != "none":
            await stack.enter_async_context(emulated(api, resource, settings.accelerator.count, clock))
        if settings.install.network_layer == "kourier":
            await stack.enter_async_context(standard_ingress(api, clock))
        found = await discover(
            api, settings.declared, resource=resource, gpu=settings.gpu or "emulated", model=settings.accelerator.model
        )
        notes = [f"sha256 recorded at first use: {url}" for url in manifests.recorded]
        yield found, tuple(notes)


async def _install(api: ApiClient, settings: Settings, installer: Installer) -> None:
    namespace, name = MARK
    wanted = f"{settings.install.kserve}/{settings.install.network_layer}"
    mark = await get(api, CONFIG_MAPS, namespace, name)
    if mark is not None and (mark.get("data") or {}).get("installed") == wanted:
        return
    chosen = versions.row(settings.install.kserve)
    await installer.install(versions.steps(chosen, settings.install.network_layer))
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"installed": wanted},
    }
    await apply(api, CONFIG_MAPS, namespace, name, json.dumps(body).encode(), force=True)


async def model_source(
    stack: AsyncExitStack, settings: Settings, docker: ContainerCli, image: str, network: str, clock: Clock
) -> Object | None:
    """Where models come from: the witness image makes empty ones, a store beside the cluster serves a copy of the
    documented ones, or KServe's own initializer fetches them (None). `network` names Docker's network of the nodes."""
    if settings.model == "witness":
        return storage_container(image)
    if settings.install.models is None:
        return None
    name = await stack.enter_async_context(model_store(Path(settings.install.models), docker, network, clock))
    chosen = versions.row(settings.install.kserve)
    return claim(f"kserve/storage-initializer:{chosen.kserve}", await docker.address(name, network))


async def _claim(api: ApiClient, models: Object) -> None:
    """The shipped storage container steps back for another."""
    await merge(api, STORAGE_CONTAINERS, None, SHIPPED, shipped_disabled())
    name = models["metadata"]["name"]
    await apply(api, STORAGE_CONTAINERS, None, name, json.dumps(models).encode(), force=True)
