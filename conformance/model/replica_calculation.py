"""How many pods one resource metric asks for: the replica calculation of the HorizontalPodAutoscaler.

Amounts are integers in thousandths of the resource's unit (millicores, thousandths of a byte), times are seconds, as in
Kubernetes; the integer divisions are part of the rule. Source: kubernetes pkg/controller/podautoscaler/
replica_calculator.go and metrics/utilization.go at v1.34.0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

CPU: Final = "cpu"
MEMORY: Final = "memory"
UNREADY: Final = "False"
PENDING: Final = "Pending"
FAILED: Final = "Failed"


class NoProposalError(Exception):
    """A metric from which no count can be computed; the text says why."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Deviations from the target that change nothing, as shares of it."""

    down: float = 0.1
    up: float = 0.1

    def holds(self, ratio: float) -> bool:
        """Whether usage by target lies inside."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


@dataclass(frozen=True, slots=True)
class HorizontalSettings:
    """The controller's own settings, in seconds: options of kube-controller-manager with their defaults.

    Source: kubernetes pkg/controller/podautoscaler/config/v1alpha1/defaults.go at v1.34.0.
    """

    sync_seconds: float = 15.0
    downscale_stabilization_seconds: float = 300.0
    tolerance: float = 0.1
    cpu_initialization_seconds: float = 300.0
    initial_readiness_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class PodState:
    """A pod as the autoscaler sees it."""

    name: str
    phase: str = "Running"
    terminating: bool = False
    started: float | None = 0.0
    """`status.startTime`; None before the kubelet knows it."""
    ready: str | None = "True"
    """Status of its condition Ready; None without one."""
    since: float = 0.0
    """When that status began."""
    requests: Mapping[str, Mapping[str, int]] | None = None
    """By container, by resource; None counts as empty."""


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What the metrics API says of a pod."""

    at: float
    """End of the time it was measured over."""
    window_seconds: float
    containers: Mapping[str, Mapping[str, int]]

    def amount(self, resource: str, container: str) -> int | None:
        """Of one container, or of all together; None if any of them has no such figure."""
        if container:
            return self.containers.get(container, {}).get(resource)
        amounts = [usage.get(resource) for usage in self.containers.values()]
        known = [amount for amount in amounts if amount is not None]
        return sum(known) if amounts and len(known) == len(amounts) else None


@dataclass(frozen=True, slots=True)
class ResourceTarget:
    """One entry of an autoscaler's `metrics`: a resource and the mean per pod to keep it at."""

    resource: str
    utilization: int | None = None
    """Percent of what the pods request."""
    average: int | None = None
    """Amount per pod; goes before `utilization`."""
    container: str = ""
    """The one container that counts; empty for all."""


@dataclass(frozen=True, slots=True)
class ReplicaProposal:
    """What one metric says."""

    replicas: int
    average: int
    """Mean amount per measured pod."""
    utilization: int | None = None


@dataclass(frozen=True, slots=True)
class PodGroups:
    """Names of pods by what their figures are good for."""

    ready: int
    unready: frozenset[str]
    missing: frozenset[str]
    ignored: frozenset[str]


def group_pods(
    pods: Sequence[PodState],
    usages: Mapping[str, PodUsage],
    measured: Mapping[str, int],
    resource: str,
    settings: HorizontalSettings,
    now: float,
) -> PodGroups:
    """Tell apart pods that count, those too young to count, those without figures and those that go.

    usages: by pod, with their times; measured: the pods' amounts of the resource.
    """
    ready = 0
    unready, missing, ignored = set(), set(), set()
    for pod in pods:
        if pod.terminating or pod.phase == FAILED:
            ignored.add(pod.name)
        elif pod.phase == PENDING:
            unready.add(pod.name)
        elif pod.name not in measured:
            missing.add(pod.name)
        elif resource == CPU and is_young(pod, usages[pod.name], settings, now):
            unready.add(pod.name)
        else:
            ready += 1
    return PodGroups(ready, frozenset(unready), frozenset(missing), frozenset(ignored))


def is_young(pod: PodState, usage: PodUsage, settings: HorizontalSettings, now: float) -> bool:
    """Whether a pod's CPU is still that of its start: not ready yet, or measured before it was ready for a window."""
    if pod.ready is None or pod.started is None:
        return True
    if pod.started + settings.cpu_initialization_seconds > now:
        return pod.ready == UNREADY or usage.at < pod.since + usage.window_seconds
    return pod.ready == UNREADY and pod.started + settings.initial_readiness_seconds > pod.since


def propose(
    current: int,
    target: ResourceTarget,
    pods: Sequence[PodState],
    usages: Mapping[str, PodUsage],
    tolerance: Tolerance,
    settings: HorizontalSettings,
    now: float,
) -> ReplicaProposal:
    """Replicas that one metric asks for, from `current` ones.

    Pods without figures count as what speaks against the change: as using all they request (or the target) when the
    others ask for fewer pods, as using nothing when they ask for more, and so do pods that are not ready. A change that
    turns round by that is none. Raises NoProposalError where Kubernetes computes nothing.
    """
    amounts = {
        name: amount
        for name, usage in usages.items()
        if (amount := usage.amount(target.resource, target.container)) is not None
    }
    if not usages:
        raise NoProposalError("no metrics returned from resource metrics API")
    if not pods:
        raise NoProposalError("no pods returned by selector while calculating replica count")
    groups = group_pods(pods, usages, amounts, target.resource, settings, now)
    for name in groups.ignored | groups.unready:
        amounts.pop(name, None)
    if not amounts:
        raise NoProposalError("did not receive metrics for targeted pods (pods might be unready)")
    requests = {} if target.average is not None else _requests(pods, target)
    ratio, said = _ratio(amounts, target, requests)
    grows_with_unready = bool(groups.unready) and ratio > 1.0
    if not grows_with_unready and not groups.missing:
        wanted = current if tolerance.holds(ratio) else math.ceil(ratio * groups.ready)
        return ReplicaProposal(wanted, *said)
    if ratio < 1.0:
        amounts |= {name: _assumed(name, target, requests) for name in groups.missing}
    elif ratio > 1.0:
        amounts |= dict.fromkeys(groups.missing, 0)
    if grows_with_unready:
        amounts |= dict.fromkeys(groups.unready, 0)
    cautious, _ = _ratio(amounts, target, requests)
    wanted = math.ceil(cautious * len(amounts))
    turned = (ratio < 1.0 < cautious) or (cautious < 1.0 < ratio)
    backwards = (cautious < 1.0 and wanted > current) or (cautious > 1.0 and wanted < current)
    unchanged = tolerance.holds(cautious) or turned or backwards
    return ReplicaProposal(current if unchanged else wanted, *said)


def _assumed(name: str, target: ResourceTarget, requests: Mapping[str, int]) -> int:
    """What a pod without figures is taken to use when the others ask for fewer."""
    if target.average is not None:
        return target.average
    assert target.utilization is not None
    return requests[name] * max(100, target.utilization) // 100


def _requests(pods: Sequence[PodState], target: ResourceTarget) -> dict[str, int]:
    """What each pod requests. Raises NoProposalError when a container that counts requests nothing."""
    found = {}
    for pod in pods:
        total = 0
        for container, asked in (pod.requests or {}).items():
            if target.container in ("", container):
                if target.resource not in asked:
                    text = f"missing request for {target.resource} in container {container} of Pod {pod.name}"
                    raise NoProposalError(text)
                total += asked[target.resource]
        found[pod.name] = total
    return found


def _ratio(
    amounts: Mapping[str, int], target: ResourceTarget, requests: Mapping[str, int]
) -> tuple[float, tuple[int, int | None]]:
    """Usage by target, and the figures that the status shows: mean amount, percent of the requests."""
    if target.average is not None:
        average = sum(amounts.values()) // len(amounts)
        return average / target.average, (average, None)
    assert target.utilization is not None
    known = [name for name in amounts if name in requests]
    used, asked = sum(amounts[name] for name in known), sum(requests[name] for name in known)
    if not asked:
        raise NoProposalError("no metrics returned matched known pods")
    percent = used * 100 // asked
    return percent / target.utilization, (used // len(known), percent)
