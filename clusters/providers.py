"""Which provider opens the cluster the settings ask for. Imports are late: each brings its own heavy clients."""

from __future__ import annotations

from dataclasses import asdict

from clusters.existing.existing_provider import ExistingProvider
from conformance.base.clock import Clock
from conformance.kube.cluster import Provider
from conformance.settings.settings import Settings


def provider(settings: Settings, clock: Clock) -> Provider:
    """The provider of `settings.cluster`; nothing is started yet."""
    if settings.cluster == "kind":
        from clusters.kind.kind_provider import KindProvider

        return KindProvider(settings, clock)
    if settings.cluster == "k3s":
        from clusters.k3s.k3s_provider import K3sProvider

        return K3sProvider(settings, clock)
    if settings.cluster == "existing":
        return ExistingProvider(settings, clock)
    from clusters.embedded.embedded_provider import EmbeddedProvider
    from clusters.embedded.install.platform_options import PlatformOptions

    options = PlatformOptions(
        gpus=0 if settings.gpu == "none" else settings.accelerator.count, **asdict(settings.embedded)
    )
    return EmbeddedProvider(clock=clock, seed=settings.seed, fault=settings.fault, options=options)
