"""What the suite asks of whoever provides clusters: one small object for each value of the setting `cluster`.

Found in the entry points of the group `conformance.providers`, so that nothing here imports a provider, and a provider
brings its own clients only when it is asked for a cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from conformance.base import plugins
from conformance.base.clock import Clock
from conformance.base.errors import UsageError, nearest
from conformance.kube.cluster import Provider
from conformance.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One thing that was looked for on this machine."""

    name: str
    found: str
    remedy: str = ""
    """What to do where it is not as the suite is written for; empty where it is."""


@runtime_checkable
class ProviderFactory(Protocol):
    """What is registered under a provider's name."""

    makes_clusters: bool
    """Whether there is no cluster before `open`, so that only prerequisites can be looked at beforehand."""

    def provider(self, settings: Settings, clock: Clock) -> Provider:
        """A provider for these settings; nothing is started yet. Raises UsageError for settings that cannot work."""

    def images(self, settings: Settings) -> tuple[str, ...]:
        """Images that nodes will pull, as `conformance plan` lists them. Raises UsageError for an unknown version."""

    async def prerequisites(self, settings: Settings) -> tuple[Prerequisite, ...]:
        """What has to be on this machine, without starting anything. Raises PlatformError where something is missing
        without which nothing can be started, UsageError for settings that cannot work."""

    def faults(self) -> Mapping[str, str]:
        """Behaviours that can be broken on purpose, by name, with what such a platform does; none on real ones."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fault that is derived: one rule of the platform changed by one operator."""

    name: str
    rule: str
    operator: str
    scenarios: tuple[str, ...]
    """Those that exercise the rule."""
    invisible: str = ""
    """Why no user can see it; empty where one can."""
    autoscaler: Mapping[str, str] = field(default_factory=dict)
    """Keys of config-autoscaler that are set beforehand."""


@runtime_checkable
class Weathered(Protocol):
    """A provider whose platform can be put under conditions that no platform is to blame for."""

    def weathers(self) -> Mapping[str, str]:
        """These conditions by name, each chosen as a fault is; nothing has to catch them."""


@runtime_checkable
class Mutable(Protocol):
    """A provider whose platform's rules can be changed one by one."""

    def mutations(self) -> Mapping[str, Mutation]:
        """The changes by name, each chosen as a fault is."""


def provider_factory(name: str) -> ProviderFactory:
    """The factory registered for a value of the setting `cluster`. Raises UsageError."""
    found = plugins.load(plugins.PROVIDERS, name)
    if not isinstance(found, ProviderFactory):
        raise UsageError(f"{plugins.PROVIDERS}: {name} is no provider factory but {type(found).__name__}")
    return found


def provider(settings: Settings, clock: Clock) -> Provider:
    """The provider that the settings name; nothing is started yet. Raises UsageError."""
    return provider_factory(settings.cluster).provider(settings, clock)


def check_prerequisites(settings: Settings) -> None:
    """Look for what has to be on this machine before anything is started or written. Raises PlatformError for what is
    missing."""
    asyncio.run(provider_factory(settings.cluster).prerequisites(settings))


def check_fault(cluster: str, fault: str | None) -> None:
    """Raises UsageError for a fault that the provider of this cluster does not know."""
    if fault is None:
        return
    factory = provider_factory(cluster)
    known: dict[str, object] = {**factory.faults(), **(factory.weathers() if isinstance(factory, Weathered) else {})}
    known |= factory.mutations() if isinstance(factory, Mutable) else {}
    if fault not in known:
        hint = nearest(fault, known) if known else f"cluster {cluster} has none"
        raise UsageError(f"fault {fault!r}; {hint}; `conformance faults` lists them")
