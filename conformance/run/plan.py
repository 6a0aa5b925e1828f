"""What a run judges and records: a pure function of the settings and the catalogue.

`run`, `plan`, `preflight` and pytest's own selection all start from this one value, so that they can never disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from conformance.base.errors import UsageError
from conformance.catalogue.own_catalogue import own_scenarios
from conformance.catalogue.requirement import OWN_PROFILE, Requirement
from conformance.catalogue.scenario import Scenario, scenarios
from conformance.catalogue.selection import needed, profiles, select
from conformance.judge.requirements import catalogue, own_requirements
from conformance.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The chosen requirements and the scenarios whose recordings they are judged by."""

    settings: Settings
    profiles: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    """In order of id; each has a scenario."""
    scenarios: tuple[Scenario, ...]
    """In the order in which they ask for a place, the longest first."""
    command: str = ""
    """What repeats it, where the settings do not say it all."""
    submittable: bool = True
    """Whether its report may be a vendor's submission."""
    own: Path | None = None
    """Folder with scenarios and requirements of the user's own."""

    def companion_for(self, scenario: str) -> tuple[str, ...]:
        """Ids of the requirements that a scenario is recorded for beside their own: where theirs leaves a fault open,
        it may exclude it."""
        return tuple(entry.id for entry in self.requirements if scenario in entry.companions)

    def narrowed(self, ids: Collection[str]) -> RunPlan:
        """The same plan for the requirements of these ids only, with the scenarios that they need."""
        chosen = tuple(entry for entry in self.requirements if entry.id in ids)
        if chosen == self.requirements:
            return self
        names = {name for entry in chosen for name in entry.recorded_by}
        kept = tuple(entry for entry in self.scenarios if entry.name in names)
        return replace(self, requirements=chosen, scenarios=kept)


REAL: Final = "gpu-real"


def make_plan(settings: Settings) -> RunPlan:
    """Raises UsageError for unknown profiles, scenarios or names in `only`, for a folder of one's own that is
    malformed, and when nothing is left to judge."""
    own = Path(settings.scenarios) if settings.scenarios else None
    found: Mapping[str, Scenario] = {**scenarios(), **(own_scenarios(own) if own else {})}
    chosen = profiles(settings.profiles, settings.cluster, settings.gpu)
    if settings.cluster == "embedded" and REAL in settings.profiles:
        raise UsageError(f"profile {REAL} needs real accelerators; the embedded platform has gpu-emulated")
    if own and not settings.profiles:
        chosen = (*chosen, OWN_PROFILE)
    known = (*catalogue(), *(own_requirements(own) if own else ()))
    requirements = select([entry for entry in known if entry.profile in chosen], found, settings.only, settings.skip)
    if not requirements:
        raise UsageError(_nothing(chosen, select(known, found, settings.only, settings.skip)))
    return RunPlan(
        settings,
        chosen,
        requirements,
        needed(requirements, found, settings.only, settings.skip),
        submittable=own is None,
        own=own,
    )


def _nothing(chosen: Collection[str], named: Collection[Requirement]) -> str:
    others = " or ".join(sorted({entry.profile for entry in named}))
    hint = f"; what is named is of profile {others}: choose it with --profile" if others else ""
    return f"nothing to run: no requirement of {', '.join(chosen)} is selected{hint}"
