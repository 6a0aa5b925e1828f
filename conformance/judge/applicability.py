"""Whether a requirement applies: to this run's environment and claims, and to a recording that came from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.base.errors import nearest
from conformance.catalogue.requirement import Requirement
from conformance.judge.history import History
from conformance.judge.import_applicability import TRAITS
from conformance.judge.run_facts import Context


def excluded(requirement: Requirement, context: Context) -> str:
    """Why a requirement does not apply to a run; empty when it does."""
    if requirement.feature and requirement.feature not in context.features and context.features:
        return f"the platform does not claim {requirement.feature}"
    if requirement.accelerator == "real" and context.accelerator != "real":
        return f"needs real accelerators; this run has {context.accelerator}"
    if requirement.accelerator == "emulated" and context.accelerator == "none":
        return "needs accelerators, real or emulated; this run has none"
    return ""


def unfit(history: History, when: Mapping[str, Any]) -> str:
    """Why a recording from elsewhere does not fit a requirement's `when`; empty when it does.

    Each key names a trait, each value what it must be: a value, or [least, most]."""
    for name, wanted in when.items():
        if name not in TRAITS:
            raise KeyError(f"trait {name!r}; {nearest(name, TRAITS)}")
        found = TRAITS[name](history)
        if isinstance(wanted, list):
            fits = found is not None and wanted[0] <= found <= wanted[1]
        else:
            fits = found == wanted
        if not fits:
            return f"applies when {name} is {wanted}; here it is {found}"
    return ""
