"""Whether a requirement applies: to this run's environment and claims, and to a recording that came from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.errors import nearest
from conformance.judge.context import Context
from conformance.judge.expectations import asked, configuration, parameters
from conformance.judge.history import History
from conformance.model.resolve import resolve_metric
from conformance.recording.facts import Kind
from conformance.requirement import Requirement


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


def _metric(history: History) -> str:
    revision = next(iter(history.revisions.values()), None)
    return "" if revision is None else resolve_metric(asked(history, revision).annotations)


def _container_concurrency(history: History) -> int:
    return max((asked(history, revision).container_concurrency for revision in history.revisions.values()), default=0)


def _min_scale(history: History) -> int:
    return min((parameters(history, each).min_scale for each in history.revisions.values()), default=0)


def _max_scale(history: History) -> int:
    return max((parameters(history, each).max_scale for each in history.revisions.values()), default=0)


def _burst_capacity(history: History) -> float:
    return max((parameters(history, each).target_burst_capacity for each in history.revisions.values()), default=211.0)


def _surplus(history: History) -> bool:
    """Whether a request may be refused rightly: a container limit, a maximum, and no activator that would buffer."""
    limit = _container_concurrency(history)
    if limit == 0 or _burst_capacity(history) != 0:
        return False
    phases = [phase for load in history.loads for phase in load.phases]
    offered = max((int(phase.get("workers") or phase.get("count") or 0) for phase in phases), default=0)
    # A pod holds what it runs and ten times that waiting (limits.room).
    return offered > 11 * limit or any(phase.get("rate") for phase in phases)


def _timeout_seconds(history: History) -> float:
    found = [fact.body.get("timeout_seconds") for fact in history.of(Kind.REVISION)]
    return min((float(seconds) for seconds in found if seconds), default=300.0)


def _accelerators(history: History) -> bool:
    return any(count for pod in history.pods.values() for count in pod.resources.values())


def _revisions(history: History) -> int:
    return sum(1 for revision in history.revisions.values() if revision.pods)


def _from_zero(history: History) -> bool:
    """Whether a load met no pod at all."""
    for load in history.loads:
        if load.start == load.start and sum(r.total.value(load.start - 0.05) for r in history.revisions.values()) == 0:
            return True
    return False


def _pods_at_load(history: History) -> float:
    if not history.loads:
        return 0.0
    return sum(revision.total.value(history.loads[0].start) for revision in history.revisions.values())


def _phases(history: History) -> int:
    return sum(len(load.phases) for load in history.loads)


def _default_configuration(history: History) -> bool:
    from conformance.model.config import AutoscalerConfig

    return configuration(history) == AutoscalerConfig()


TRAITS: Final[Mapping[str, Callable[[History], Any]]] = {
    "metric": _metric,
    "container_concurrency": _container_concurrency,
    "min_scale": _min_scale,
    "max_scale": _max_scale,
    "burst_capacity": _burst_capacity,
    "surplus": _surplus,
    "timeout_seconds": _timeout_seconds,
    "accelerators": _accelerators,
    "revisions": _revisions,
    "from_zero": _from_zero,
    "pods_at_load": _pods_at_load,
    "phases": _phases,
    "default_configuration": _default_configuration,
}
