"""Whether a requirement applies to a recording not made for it: what it is like, against `when` in the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Final

from conformance.catalogue.check_parameters import Range, When
from conformance.judge.band import band
from conformance.judge.expectations import ScalingSettings, configuration, parameters, requested_settings
from conformance.judge.history import History
from conformance.model.config import AutoscalerConfig
from conformance.model.keys import TARGET
from conformance.model.resolve import resolve_metric
from conformance.recording.service_bodies import InferenceServiceBody, RevisionBody

AFTER_SECONDS: Final = 15.0
"""A load that goes on this long after panic shows what the stable window alone wants: halving takes some ticks."""


def unfit(history: History, when: When) -> str:
    """Why a recording does not fit what a requirement wants of it; empty when it does."""
    for each in fields(when):
        wanted = getattr(when, each.name)
        if wanted is None:
            continue
        found = TRAITS[each.name](history)
        fits = found in wanted if isinstance(wanted, Range) else found == wanted
        if not fits:
            return f"applies when {each.name} is {wanted}; here it is {found}"
    return ""


def _requested(history: History) -> list[ScalingSettings]:
    return [requested_settings(history, revision) for revision in history.revisions.values()]


def _metric(history: History) -> str:
    settings = _requested(history)
    return resolve_metric(settings[0].annotations) if settings else ""


def _container_concurrency(history: History) -> int:
    return max((settings.container_concurrency for settings in _requested(history)), default=0)


def _min_scale(history: History) -> int:
    return min((parameters(history, each).min_scale for each in history.revisions.values()), default=0)


def _max_scale(history: History) -> int:
    return max((parameters(history, each).max_scale for each in history.revisions.values()), default=0)


def _burst_capacity(history: History) -> float:
    return max((parameters(history, each).target_burst_capacity for each in history.revisions.values()), default=211.0)


def _panic_threshold(history: History) -> float:
    return min(
        (100.0 * parameters(history, each).panic_threshold for each in history.revisions.values()), default=200.0
    )


def _weighted(history: History) -> bool:
    return any(parameters(history, each).weighted for each in history.revisions.values())


def _surplus(history: History) -> bool:
    """Whether a request may be refused rightly: a container limit, more requests than a pod holds, and pods that served
    directly, so that no activator buffered."""
    limit = _container_concurrency(history)
    served = any(mode == "Serve" for revision in history.revisions.values() for _, mode in revision.modes)
    if limit == 0 or not (_burst_capacity(history) == 0 or served):
        return False
    phases = [phase for load in history.loads for phase in load.phases]
    offered = max((phase.workers or phase.count for phase in phases), default=0)
    # A pod holds what it runs and ten times that waiting (limits.room).
    return offered > 11 * limit or any(phase.rate for phase in phases)


def _timeout_seconds(history: History) -> float:
    found = [fact.body.timeout_seconds for fact in history.of(RevisionBody)]
    return min((float(seconds) for seconds in found if seconds), default=300.0)


def _accelerators(history: History) -> bool:
    return any(count for pod in history.pods.values() for count in pod.resources.values())


def _revisions(history: History) -> int:
    used = Counter(revision.component for revision in history.revisions.values() if revision.pods)
    return max(used.values(), default=0)


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


def _salvo(history: History) -> bool:
    return any(phase.shape == "salvo" for load in history.loads for phase in load.phases)


def _falling(history: History) -> bool:
    """Whether a load goes on with fewer callers, or fewer requests, than it began with."""
    for load in history.loads:
        sizes = [float(phase.workers or phase.rate) for phase in load.phases]
        if any(0.0 < after < before for before, after in pairwise(sizes)):
            return True
    return False


def _calm(history: History) -> bool:
    """Whether some conforming autoscaler never panics."""
    return not any(band(history, revision).must_panic.any() for revision in history.revisions.values() if revision.pods)


def _holds_after_panic(history: History) -> bool:
    """Whether a load goes on for some ticks after every conforming autoscaler has left panic."""
    ends = max((load.end for load in history.loads if load.end == load.end), default=0.0)
    found = [band(history, revision) for revision in history.revisions.values() if revision.pods]
    return any(start + AFTER_SECONDS <= min(end, ends) for limits in found for start, end in limits.after_panic())


def _beyond_maximum(history: History) -> bool:
    """Whether the load asks for at least the maximum."""
    found = [band(history, revision) for revision in history.revisions.values() if revision.pods]
    return any(0 < limits.parameters.max_scale <= limits.needed_pods for limits in found)


def _target_given(history: History) -> bool:
    return any(TARGET.read(settings.annotations) is not None for settings in _requested(history))


def _inference_service(history: History) -> bool:
    return bool(history.of(InferenceServiceBody))


def _default_configuration(history: History) -> bool:
    return configuration(history) == AutoscalerConfig()


TRAITS: Final[Mapping[str, Callable[[History], float | str]]] = {
    "metric": _metric,
    "container_concurrency": _container_concurrency,
    "min_scale": _min_scale,
    "max_scale": _max_scale,
    "burst_capacity": _burst_capacity,
    "panic_threshold": _panic_threshold,
    "weighted": _weighted,
    "surplus": _surplus,
    "timeout_seconds": _timeout_seconds,
    "accelerators": _accelerators,
    "revisions": _revisions,
    "from_zero": _from_zero,
    "pods_at_load": _pods_at_load,
    "phases": _phases,
    "default_configuration": _default_configuration,
    "salvo": _salvo,
    "falling": _falling,
    "calm": _calm,
    "holds_after_panic": _holds_after_panic,
    "beyond_maximum": _beyond_maximum,
    "target_given": _target_given,
    "inference_service": _inference_service,
    "components": lambda history: len(history.components),
    "start_seconds": lambda history: float(history.scenario.start_seconds),
}
"""What a recording is like, by the fields of `When`."""
