"""Whether a requirement applies to a run: to its environment and to what the platform claims."""

from __future__ import annotations

from conformance.catalogue.requirement import Requirement
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
