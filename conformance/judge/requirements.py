"""The catalogue as it is judged: requirements in the language of the checks, wrong autoscalers and faults there are.

The catalogue lies below the judge and the platforms, so what it may name is handed to it here. Faults belong to the
platforms that can be broken, and are asked for of every provider of clusters that is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from conformance.base import plugins
from conformance.base.errors import UsageError
from conformance.catalogue.own_catalogue import REQUIREMENTS, SCENARIOS
from conformance.catalogue.requirement import FOLDER, Language, Requirement, read_own_requirements, read_requirements
from conformance.catalogue.scenario import AnyFile, parse_own, scenarios
from conformance.judge.checks import REGISTRY
from conformance.judge.fault_hypotheses import FAULT_HYPOTHESES


@cache
def catalogue(folder: Path = FOLDER) -> tuple[Requirement, ...]:
    """All requirements in order of id. Raises UsageError for a malformed file."""
    return read_requirements(language(), scenarios(), folder)


def own_requirements(folder: Path) -> tuple[Requirement, ...]:
    """Requirements of one's own in a folder, or as a run of theirs has kept them; none where there is no such folder.
    Raises UsageError for a malformed file."""
    if not (folder / REQUIREMENTS).is_dir():
        return ()
    known = {**scenarios(), **parse_own(folder / SCENARIOS, AnyFile())}
    return read_own_requirements(language(), known, folder / REQUIREMENTS)


@cache
def language() -> Language:
    """What requirements may name. Raises UsageError where no broken platform is registered."""
    checks = {name: each.parameters for name, each in REGISTRY.checks.items()}
    return Language(checks, frozenset(FAULT_HYPOTHESES), frozenset(fault_texts()))


class _Breakable(Protocol):
    """The one thing asked here of a `conformance.settings.providers.ProviderFactory`, which knows the network."""

    def faults(self) -> Mapping[str, str]: ...


@cache
def fault_texts() -> Mapping[str, str]:
    """What each broken platform does, by its name. Raises UsageError where no provider is registered."""
    providers = plugins.names(plugins.PROVIDERS)
    if not providers:
        raise UsageError(f"{plugins.PROVIDERS}: nothing is registered; {plugins.STALE}")
    factories = (cast(_Breakable, plugins.load(plugins.PROVIDERS, name)) for name in providers)
    return {fault: text for factory in factories for fault, text in factory.faults().items()}
