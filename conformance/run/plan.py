"""What a run judges and records: a pure function of the settings and the catalogue.

`run`, `plan`, `preflight` and pytest's own selection all start from this one value, so that they can never disagree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from conformance.base.errors import UsageError
from conformance.catalogue.requirement import Requirement
from conformance.catalogue.scenario import Scenario, scenarios
from conformance.catalogue.selection import needed, profiles, select
from conformance.judge.requirements import catalogue
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

    def narrowed(self, ids: Collection[str]) -> RunPlan:
        """The same plan for the requirements of these ids only, with the scenarios that they need."""
        chosen = tuple(entry for entry in self.requirements if entry.id in ids)
        if chosen == self.requirements:
            return self
        names = {name for entry in chosen for name in entry.recorded_by}
        kept = tuple(entry for entry in self.scenarios if entry.name in names)
        return replace(self, requirements=chosen, scenarios=kept)


def make_plan(settings: Settings) -> RunPlan:
    """Raises UsageError for unknown profiles, scenarios or names in `only`, and when nothing is left to judge."""
    found = scenarios()
    chosen = profiles(settings.profiles, settings.cluster, settings.gpu)
    requirements = select(
        [entry for entry in catalogue() if entry.profile in chosen], found, settings.only, settings.skip
    )
    if not requirements:
        raise UsageError("nothing to run: no requirement of the chosen profiles is selected")
    return RunPlan(settings, chosen, requirements, needed(requirements, found, settings.only, settings.skip))
