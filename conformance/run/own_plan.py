"""The plan for a service of the user's own: the same kind of plan as for the catalogue, with one scenario made on the
spot, and every requirement of the profiles that may apply to what it shows."""

from __future__ import annotations

from typing import Final

from conformance.base.errors import UsageError
from conformance.catalogue.own_scenario import OwnScenario
from conformance.catalogue.selection import profiles
from conformance.judge.requirements import catalogue
from conformance.run.plan import RunPlan
from conformance.settings.settings import Settings

EVERYWHERE: Final = ("serving-core", "autoscaling-kpa", "standard-hpa")
"""Profiles of which a service of any kind may show something."""
KNATIVE_ALONE: Final = {"autoscaling-kpa"}
"""Profiles that say nothing of a service in Standard mode."""


def own_plan(settings: Settings, scenario: OwnScenario, command: str) -> RunPlan:
    """`command` is what repeats it, without secrets and the site's names. Raises UsageError for an unknown profile,
    and for profiles that can say nothing of the service."""
    chosen = settings.profiles or (*EVERYWHERE, *(f"gpu-{gpu}" for gpu in _accelerators(settings, scenario)))
    names = profiles(chosen, settings.cluster, settings.gpu)
    if scenario.mode == "Standard" and set(names) <= KNATIVE_ALONE:
        raise UsageError(
            f"{scenario.title.partition(' ')[0]} is of Standard mode, where Knative's autoscaler counts nothing and "
            f"profile {names[0]} says nothing: leave --profile out, or name standard-hpa"
        )
    requirements = tuple(entry for entry in catalogue() if entry.profile in names)
    return RunPlan(settings, names, requirements, (scenario,), command=command, submittable=False)


def _accelerators(settings: Settings, scenario: OwnScenario) -> tuple[str, ...]:
    if not scenario.budget.gpus or settings.gpu == "none":
        return ()
    return (settings.gpu or "emulated",)
