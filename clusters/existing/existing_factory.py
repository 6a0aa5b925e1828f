"""What is registered as provider `existing`."""

from __future__ import annotations

from collections.abc import Mapping

from clusters.images.image_names import scenario_images
from conformance.base.clock import Clock
from conformance.kube.cluster import Provider
from conformance.settings.providers import Prerequisite
from conformance.settings.settings import Settings


class ExistingFactory:
    """See `conformance.settings.providers.ProviderFactory`."""

    makes_clusters = False

    def provider(self, settings: Settings, clock: Clock) -> Provider:
        from clusters.existing.existing_provider import ExistingProvider

        return ExistingProvider(settings, clock)

    def images(self, settings: Settings) -> tuple[str, ...]:
        return scenario_images(settings)

    async def prerequisites(self, settings: Settings) -> tuple[Prerequisite, ...]:
        """A kubeconfig that can be read; the server is asked nothing yet."""
        from conformance.kube.official_client import connect

        await (await connect(settings.kubernetes.kubeconfig, settings.kubernetes.context)).close()
        return ()

    def faults(self) -> Mapping[str, str]:
        return {}


factory = ExistingFactory()
