"""Ways to take pods and their figures wrongly: what a broken autoscaler sees in place of what is there.

Each is a view of one moment, which the exact decision then goes by. Platforms that are broken on purpose use them, and
so does whoever supposes such a platform behind a recording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from conformance.model.horizontal_autoscaler import Workload
from conformance.model.replica_calculation import FAILED, PENDING, UNREADY, PodState, PodUsage

Mistake: TypeAlias = Callable[[Workload], Workload]
_Amounts: TypeAlias = Mapping[str, Mapping[str, int]]

LONG_AGO: Final = -1e12
"""Seconds: of a pod that is no longer young, whatever the clock's origin."""
WINDOW_SECONDS: Final = 15.0


def unready_counted(seen: Workload) -> Workload:
    """Figures of pods that are not ready, or have only just become so, count like all others."""
    return replace(seen, pods=tuple(_settled(pod) if _measured(pod, seen) else pod for pod in seen.pods))


def average_for_all(seen: Workload) -> Workload:
    """The mean of the pods that are ready and measured stands for all pods."""
    counted = [pod for pod in seen.pods if _measured(pod, seen) and pod.phase != PENDING and pod.ready != UNREADY]
    if seen.usages is None or not counted:
        return seen
    mean = _mean([seen.usages[pod.name].containers for pod in counted])
    names = {pod.name for pod in counted}
    usages = {pod.name: seen.usages[pod.name] if pod.name in names else _usage(mean) for pod in seen.pods}
    return replace(seen, pods=tuple(map(_settled, seen.pods)), usages=usages)


def missing_as_zero(seen: Workload) -> Workload:
    """Pods without figures use nothing, also where the others ask for fewer pods."""
    return _with_missing(seen, lambda asked: {name: dict.fromkeys(each, 0) for name, each in asked.items()})


def missing_as_full(seen: Workload) -> Workload:
    """Pods without figures use all that they request, also where the others ask for more pods."""
    return _with_missing(seen, lambda asked: asked)


def away_as_full(seen: Workload) -> Workload:
    """While nobody serves metrics every pod uses all that it requests."""
    if seen.usages is not None:
        return seen
    usages = {pod.name: _usage(pod.requests or {}) for pod in seen.pods}
    return replace(seen, pods=tuple(map(_settled, seen.pods)), usages=usages)


def first_container_only(seen: Workload) -> Workload:
    """Nothing but each pod's first container counts: its usage by its request."""
    return _narrowed(seen, lambda names: names[:1])


def last_container_only(seen: Workload) -> Workload:
    """Nothing but each pod's last container counts."""
    return _narrowed(seen, lambda names: names[-1:])


def first_container_requests(seen: Workload) -> Workload:
    """The usage of all containers is taken by the request of the first."""
    return replace(seen, pods=tuple(_asking(pod, lambda names: names[:1]) for pod in seen.pods))


def _measured(pod: PodState, seen: Workload) -> bool:
    return not _gone(pod) and pod.name in (seen.usages or {})


def _gone(pod: PodState) -> bool:
    return pod.terminating or pod.phase == FAILED


def _settled(pod: PodState) -> PodState:
    """The same pod, ready for long."""
    return pod if _gone(pod) else replace(pod, phase="Running", ready="True", started=LONG_AGO, since=LONG_AGO)


def _usage(containers: _Amounts) -> PodUsage:
    return PodUsage(0.0, WINDOW_SECONDS, containers)


def _with_missing(seen: Workload, amounts: Callable[[_Amounts], _Amounts]) -> Workload:
    """Running pods without figures get some."""
    if not seen.usages:
        return seen
    missing = {
        pod.name: pod for pod in seen.pods if not _gone(pod) and pod.phase != PENDING and pod.name not in seen.usages
    }
    usages = {name: _usage(amounts(pod.requests or {})) for name, pod in missing.items()}
    pods = tuple(_settled(pod) if pod.name in missing else pod for pod in seen.pods)
    return replace(seen, pods=pods, usages={**seen.usages, **usages})


def _mean(measured: Sequence[_Amounts]) -> dict[str, dict[str, int]]:
    """Of each resource of each container."""
    sums: dict[str, dict[str, int]] = {}
    for containers in measured:
        for name, usage in containers.items():
            into = sums.setdefault(name, {})
            for resource, amount in usage.items():
                into[resource] = into.get(resource, 0) + amount
    count = len(measured)
    return {name: {resource: amount // count for resource, amount in usage.items()} for name, usage in sums.items()}


def _narrowed(seen: Workload, keep: Callable[[list[str]], list[str]]) -> Workload:
    """Only some containers, in the order of the pod's spec, are there."""
    pods = tuple(_asking(pod, keep) for pod in seen.pods)
    if seen.usages is None:
        return replace(seen, pods=pods)
    kept = {pod.name: tuple(pod.requests or ()) for pod in pods}
    usages = {
        name: replace(usage, containers={c: usage.containers[c] for c in kept.get(name, ()) if c in usage.containers})
        for name, usage in seen.usages.items()
    }
    return replace(seen, pods=pods, usages=usages)


def _asking(pod: PodState, keep: Callable[[list[str]], list[str]]) -> PodState:
    requests = pod.requests or {}
    return replace(pod, requests={name: requests[name] for name in keep(list(requests))})


MISTAKES: Final[Mapping[str, Mistake]] = {
    "hpa-unready-counted": unready_counted,
    "hpa-average-for-all": average_for_all,
    "hpa-missing-as-zero": missing_as_zero,
    "hpa-missing-as-full": missing_as_full,
    "hpa-away-as-full": away_as_full,
    "hpa-first-container-only": first_container_only,
    "hpa-last-container-only": last_container_only,
    "hpa-first-container-requests": first_container_requests,
}
"""By the names of the faults that are made of them."""
