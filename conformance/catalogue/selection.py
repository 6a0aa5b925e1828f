"""Which requirements a run judges and which scenarios it takes for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from conformance.base.errors import UsageError, nearest
from conformance.catalogue.requirement import KNOWN_PROFILES, PROFILES, Requirement
from conformance.catalogue.scenario import Scenario

DEFAULT_PROFILES: Final[Mapping[str, tuple[str, ...]]] = {
    "embedded": ("serving-core", "autoscaling-kpa", "standard-hpa", "gpu-emulated"),
    "kind": ("serving-core", "autoscaling-kpa", "gpu-emulated"),
    "k3s": ("serving-core", "autoscaling-kpa", "gpu-emulated"),
}
"""By provider, with the accelerators that it emulates unless told otherwise; elsewhere serving-core and
autoscaling-kpa, and the GPU profile that was asked for."""


def profiles(chosen: Sequence[str], provider: str, gpu: str | None) -> tuple[str, ...]:
    """Profiles of a run: those chosen, or the provider's usual ones."""
    for name in chosen:
        if name not in KNOWN_PROFILES:
            raise UsageError(f"profile {name!r}; {nearest(name, PROFILES)}")
    if chosen:
        return tuple(chosen)
    usual = DEFAULT_PROFILES.get(provider, ("serving-core", "autoscaling-kpa"))
    if gpu is None:
        return usual
    others = tuple(name for name in usual if not name.startswith("gpu-"))
    return others if gpu == "none" else (*others, f"gpu-{gpu}")


def select(
    requirements: Sequence[Requirement],
    scenarios: Mapping[str, Scenario],
    only: Sequence[str],
    skip: Sequence[str] = (),
) -> tuple[Requirement, ...]:
    """The testable requirements `only` names by requirement id, area, scenario or pattern, all without it; of these
    those that `skip` does not name."""
    testable = [entry for entry in requirements if entry.scenario is not None]
    chosen = _matching(testable, scenarios, only) if only else testable
    skipped = _matching(testable, scenarios, skip)
    return tuple(entry for entry in testable if entry in chosen and entry not in skipped)


def _matching(
    testable: Sequence[Requirement], scenarios: Mapping[str, Scenario], words: Sequence[str]
) -> list[Requirement]:
    """Those that words name. Raises UsageError for one that names nothing."""
    known = {entry.id for entry in testable} | {entry.id.split("-")[0] for entry in testable} | set(scenarios)
    chosen = []
    for word in words:
        found = [entry for entry in testable if _named(entry, word)]
        if not found and word not in scenarios:
            raise UsageError(f"nothing is called {word!r}; {nearest(word, known)}; docs/catalogue.md lists them all")
        chosen += found
    return chosen


def needed(
    requirements: Sequence[Requirement],
    scenarios: Mapping[str, Scenario],
    only: Sequence[str],
    skip: Sequence[str] = (),
) -> tuple[Scenario, ...]:
    """Scenarios to run: those the requirements are judged by, with their companions, and those `only` names outright.
    Longest first, so that the longest starts at once and decides the run's length; before them those that need
    accelerators, as they take turns, which makes them the longest of all."""
    names = {name for entry in requirements for name in entry.recorded_by} | (set(only) & set(scenarios) - set(skip))
    for name in names:
        if name not in scenarios:
            raise UsageError(f"a requirement names the scenario {name!r}; {nearest(name, scenarios)}")
    found = [scenarios[name] for name in names]
    return tuple(sorted(found, key=lambda entry: (not entry.budget.gpus, -entry.seconds, entry.name)))


def _named(entry: Requirement, word: str) -> bool:
    return (
        fnmatchcase(entry.id, word)
        or entry.id.split("-")[0] == word
        or (entry.scenario is not None and fnmatchcase(entry.scenario, word))
    )
