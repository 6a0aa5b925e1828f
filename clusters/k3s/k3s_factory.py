"""What is registered as provider `k3s`."""

from __future__ import annotations

from collections.abc import Mapping

from clusters import versions
from clusters.provisioning.before_opening import container_tool, needed_images, release
from conformance.base.clock import Clock
from conformance.kube.cluster import Provider
from conformance.settings.providers import Prerequisite
from conformance.settings.settings import Settings


class K3sFactory:
    """See `conformance.settings.providers.ProviderFactory`."""

    makes_clusters = True

    def provider(self, settings: Settings, clock: Clock) -> Provider:
        from clusters.k3s.k3s_provider import K3sProvider

        return K3sProvider(settings, clock)

    def images(self, settings: Settings) -> tuple[str, ...]:
        server = versions.row(settings.install.kserve).k3s_image
        return tuple(needed_images(settings, server, registry=True))

    async def prerequisites(self, settings: Settings) -> tuple[Prerequisite, ...]:
        return (await container_tool(), release(settings))

    def faults(self) -> Mapping[str, str]:
        return {}


factory = K3sFactory()
