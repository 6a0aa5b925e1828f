"""A platform that is there already: a kubeconfig, and what cannot be discovered from it. Nothing on it is installed,
changed or removed beyond what the scenarios themselves make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from clusters.discovery.ingress_discovery import ingress
from clusters.discovery.installed_platform import discover
from clusters.images.image_names import witness_image
from conformance.base.clock import Clock
from conformance.kube.cluster import Cluster
from conformance.settings.settings import Settings


class ExistingProvider:
    """Connects, discovers, disconnects."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def open(self) -> AbstractAsyncContextManager[Cluster]:
        return self._open()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Cluster]:
        from conformance.kube.official_client import connect

        settings = self._settings
        api = await connect(settings.kubernetes.kubeconfig, settings.kubernetes.context)
        try:
            found = await discover(
                api,
                settings.declared,
                resource=settings.accelerator.resource,
                gpu=settings.gpu,
                model=settings.accelerator.model,
            )
            kubectl = {
                name: value
                for name, value in (
                    ("kubeconfig", settings.kubernetes.kubeconfig),
                    ("context", settings.kubernetes.context),
                )
                if value
            }
            layer = found.installation.network_layer
            async with ingress(api, settings.ingress, layer, found.kserve_config, kubectl) as (way, notes):
                yield Cluster(
                    provider="existing",
                    api=api,
                    ingress=way,
                    installation=found.installation,
                    clock=self._clock,
                    witness_image=witness_image(settings),
                    kubeconfig=settings.kubernetes.kubeconfig,
                    notes=(*found.notes, *notes),
                )
        finally:
            await api.close()
