"""Faults that are derived rather than thought of: each rule of the platform changed by each operator that it allows.

A mutant is called RULE/OPERATOR and is chosen as a fault is. It names the scenarios that exercise its rule, and what
config-autoscaler has to say for that; which requirement sees it there is found out, not stated
(`conformance faults --matrix`). Operators: constant up and down, off by one, dropped, doubled, delayed, order, update
ignored, lost at restart, wrong scope, wrong unit, wrong clock, wrong object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from clusters.embedded.behaviour.platform_behaviour import Behaviour
from conformance.settings.providers import Mutation

__all__ = ["Mutant", "mutants"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A platform with one rule changed."""

    mutation: Mutation
    behaviour: type[Behaviour]
    activators: int = 1
    """How many the platform has to have for it to show."""


@cache
def mutants() -> Mapping[str, Mutant]:
    """All of them by name."""
    from clusters.embedded.faults.derived import (
        annotation_mutants,
        clock_mutants,
        configuration_mutants,
        decision_mutants,
        field_mutants,
        report_mutants,
        way_mutants,
    )

    families = (
        decision_mutants, configuration_mutants, annotation_mutants, field_mutants, report_mutants, clock_mutants,
        way_mutants,
    )  # fmt: skip
    found = {}
    for rule in (rule for family in families for rule in family.rules()):
        name = f"{rule.rule}/{rule.operator}".replace(", ", "-").replace(" ", "-").lower()
        if name in found:
            raise ValueError(f"mutant {name!r} is there twice")
        mutation = Mutation(name, rule.rule, rule.operator, rule.scenarios, rule.invisible, rule.autoscaler)
        found[name] = Mutant(mutation, rule.behaviour, rule.activators)
    return found
