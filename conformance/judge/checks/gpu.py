"""Checks of accelerators: limits on every pod, no more running than there are, the rest pending and gone in the end."""

from __future__ import annotations

from itertools import pairwise

from conformance.catalogue.check_parameters import CheckParameters
from conformance.judge.checks.bounds import back_seconds
from conformance.judge.expectations import parameters as parameters_of
from conformance.judge.finding import Finding, NotShownError, OutOfReachError, check, exact
from conformance.judge.history import NEVER, History
from conformance.judge.pod_timeline import PodTimeline
from conformance.judge.step_function import StepFunction
from conformance.recording.pod_bodies import PodBody

LATE_SECONDS = 1.0
SERVING = "kserve-container"


def accelerated(history: History) -> tuple[str, list[PodTimeline]]:
    """(resource, pods) that ask for accelerators. Raises NotShownError when the manifest asks for none."""
    resource = history.installation.accelerator_resource or "nvidia.com/gpu"
    found = [pod for pod in history.pods.values() if pod.resources.get(resource)]
    if not found and not history.scenario.budget.gpus:
        raise NotShownError("the manifest asks for no accelerator")
    return resource, found


def capacity(history: History) -> int | None:
    """Accelerators of the cluster as known: nodes' allocatable amounts, or the most that ever ran at once when some
    pods found no place; None when neither tells."""
    return sum(node.accelerators for node in history.installation.nodes) or None


@check("accelerator-limit", CheckParameters, "observer", "capacity")
def limit_on_every_pod(history: History, parameters: CheckParameters) -> Finding:
    """Every pod carries the accelerator limit of the manifest, on the container that serves and on no other."""
    resource, found = accelerated(history)
    if not history.pods:
        raise NotShownError("no pod was seen")
    misplaced = {fact.body.name for fact in history.of(PodBody) if fact.body.accelerated not in (None, (SERVING,))}
    without = [pod for pod in history.pods.values() if pod.resources.get(resource) != 1 or pod.name in misplaced]
    return exact(
        not without, f"every pod has the limit {resource}: 1", len(without), "pods without", high=0.0,
        samples=len(history.pods),
        facts=tuple(f"t={pod.seen:.1f} s: {pod.name} has {pod.resources or 'none'}" for pod in without[:2]),
        notes=f"{len(found)} pods with it", exercised=f"{len(history.pods)} pods looked at",
    )  # fmt: skip


@check("accelerator-capacity", CheckParameters, "observer", "capacity")
def no_more_than_there_are(history: History, parameters: CheckParameters) -> Finding:
    """No more pods run than there are accelerators, none share one; the rest is Pending and says why."""
    resource, found = accelerated(history)
    if not found:
        raise NotShownError(f"no pod asks for {resource}")
    there = capacity(history)
    placed = [pod for pod in found if min(pod.scheduled, pod.running) != NEVER]
    stuck = [pod for pod in found if pod.scheduled == NEVER and pod.running == NEVER]
    # A pod on its way out holds its device until it is gone.
    holding = StepFunction.counting([min(pod.scheduled, pod.running) for pod in placed], [pod.gone for pod in placed])
    most = holding.most(0.0, history.end) if placed else 0.0
    if there is None:
        if not stuck:
            raise NotShownError("how many accelerators there are is not known, and every pod found one")
        there = int(most)
    explained = [pod for pod in stuck if pod.unschedulable or pod.leaves - pod.seen < 5.0]
    twice = _shared(placed)
    ok = most <= there and len(explained) == len(stuck) and not twice
    facts = []
    if most > there:
        facts.append(f"{most:g} pods hold an accelerator, {there} are there")
    if len(explained) < len(stuck):
        silent = next(pod for pod in stuck if pod not in explained)
        facts.append(f"t={silent.seen:.1f} s: {silent.name} is Pending and nothing says why")
    facts += twice
    return exact(
        ok, f"at most {there} pods hold an accelerator, the rest is Pending and says why", most, "pods",
        high=float(there), samples=len(found), facts=tuple(facts[:3]), notes=f"{len(stuck)} pods never found a place",
        exercised=f"{len(found)} pods for {there} accelerators, {len(stuck)} of them without",
    )  # fmt: skip


def _shared(pods: list[PodTimeline]) -> list[str]:
    users: dict[tuple[str, str], list[PodTimeline]] = {}
    for pod in pods:
        for device in pod.devices:
            users.setdefault((pod.node, device), []).append(pod)
    found = []
    for (_, device), mine in sorted(users.items()):
        mine.sort(key=lambda pod: pod.scheduled)
        for before, after in pairwise(mine):
            if after.scheduled < before.gone - LATE_SECONDS and after.scheduled < before.leaves:
                found.append(f"t={after.scheduled:.1f} s: {before.name} and {after.name} both hold {device}")
    return found


@check("pending-cleaned", CheckParameters, "load", "observer", "capacity", "config")
def pending_go(history: History, parameters: CheckParameters) -> Finding:
    """Pods that never found an accelerator are gone when they are not wanted any more."""
    _, found = accelerated(history)
    stuck = [pod for pod in found if pod.unschedulable]
    if not stuck:
        raise OutOfReachError("every pod found an accelerator")
    end = history.end
    last = max((load.last for load in history.loads), default=end)
    settings = [parameters_of(history, each) for each in history.revisions.values()]
    least = min((each.min_scale for each in settings), default=1)
    left = [pod for pod in found if pod.leaves > end]
    surplus = max(0, len(left) - max(least, 1))
    due = max((back_seconds(each, len(found)) for each in settings), default=0.0)
    if surplus and end - last < max(90.0, due):
        raise NotShownError("watching ended before they had to go")
    return exact(
        surplus == 0, "pods that found no accelerator are gone after the load", surplus, "pods left", high=0.0,
        samples=len(stuck), exercised=f"{len(stuck)} pods that found no accelerator",
        facts=tuple(f"t={end:.1f} s: {pod.name} is still there" for pod in left[:2] if surplus),
    )  # fmt: skip
