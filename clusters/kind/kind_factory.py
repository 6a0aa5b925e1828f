"""What is registered as provider `kind`."""

from __future__ import annotations

from collections.abc import Mapping

from clusters import versions
from clusters.provisioning.before_opening import container_tool, needed_images, release
from conformance.base.clock import Clock
from conformance.kube.cluster import Provider
from conformance.settings.providers import Prerequisite
from conformance.settings.settings import Settings


class KindFactory:
    """See `conformance.settings.providers.ProviderFactory`."""

    makes_clusters = True

    def provider(self, settings: Settings, clock: Clock) -> Provider:
        from clusters.kind.kind_provider import KindProvider

        return KindProvider(settings, clock)

    def images(self, settings: Settings) -> tuple[str, ...]:
        node = settings.install.node_image or versions.row(settings.install.kserve).node_image
        return tuple(needed_images(settings, node, registry=settings.model == "witness"))

    async def prerequisites(self, settings: Settings) -> tuple[Prerequisite, ...]:
        from clusters.kind.cli import find_kind

        containers = await container_tool()
        kind = find_kind()
        version, pinned = await kind.version(), versions.kind().version
        remedy = "" if version == pinned else f"{pinned} is what this suite is written for"
        name = settings.install.cluster_name
        state = "exists and would be reused" if name in await kind.clusters() else "would be created"
        return (
            containers,
            Prerequisite("kind", version, remedy),
            Prerequisite("cluster", f"{name} {state}"),
            release(settings),
        )

    def faults(self) -> Mapping[str, str]:
        return {}


factory = KindFactory()
