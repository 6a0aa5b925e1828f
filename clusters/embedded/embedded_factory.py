"""What is registered as provider `embedded`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from clusters.embedded.install.platform_options import PlatformOptions
from conformance.base.clock import Clock
from conformance.kube.cluster import Provider
from conformance.settings.providers import Mutation, Prerequisite
from conformance.settings.settings import Settings


class EmbeddedFactory:
    """See `conformance.settings.providers.ProviderFactory`."""

    makes_clusters = False
    """It is there as soon as it is opened."""

    def provider(self, settings: Settings, clock: Clock) -> Provider:
        from clusters.embedded.embedded_provider import EmbeddedProvider

        gpus = 0 if settings.gpu == "none" else settings.accelerator.count
        options = PlatformOptions(gpus=gpus, **asdict(settings.embedded), activators=_activators(settings.fault))
        return EmbeddedProvider(clock=clock, seed=settings.seed, fault=settings.fault, options=options)

    def images(self, settings: Settings) -> tuple[str, ...]:
        del settings
        return ("none: the embedded platform runs no containers",)

    async def prerequisites(self, settings: Settings) -> tuple[Prerequisite, ...]:
        """Real programs in the place of its own are looked for when it is opened."""
        del settings
        return ()

    def faults(self) -> Mapping[str, str]:
        from clusters.embedded.faults import faults

        return {name: fault.text for name, fault in faults().items()}

    def weathers(self) -> Mapping[str, str]:
        from clusters.embedded.faults import weathers

        return {name: weather.text for name, weather in weathers().items()}

    def mutations(self) -> Mapping[str, Mutation]:
        from clusters.embedded.faults.derived import mutants

        return {name: mutant.mutation for name, mutant in mutants().items()}


def _activators(fault: str | None) -> int:
    """How many activators a derived fault needs; one where it needs none, as without a fault."""
    from clusters.embedded.faults.derived import mutants

    mutant = mutants().get(fault) if fault else None
    return 1 if mutant is None else mutant.activators


factory = EmbeddedFactory()
