"""Why a revision has no pod that serves, from its pods (Knative pkg/reconciler/revision/reconcile_resources.go)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from clusters.embedded.knative.revisions import QUEUE_PROXY
from clusters.embedded.objects.metadata import Object
from clusters.embedded.objects.status_conditions import StatusCondition, condition_of

RESOURCES: Final = "ResourcesAvailable"
HEALTHY: Final = "ContainerHealthy"


def is_telling(pod: Object) -> bool:
    """Whether a pod's status says something that its Deployment's does not: no node, or a container that ended."""
    scheduled = condition_of(pod, "PodScheduled")
    if scheduled is not None and scheduled["status"] == "False":
        return True
    return any(_ended(entry) for entry in _own(pod))


def trouble(deployment: Object, pods: Sequence[Object]) -> StatusCondition | None:
    """What is wrong while a Deployment that wants pods has none available; None when nothing is known to be."""
    late = condition_of(deployment, "Progressing") or {}
    timed_out = late.get("status") == "False"
    if deployment["spec"].get("replicas", 1) and not (deployment.get("status") or {}).get("availableReplicas"):
        for pod in pods[:1]:
            found = _of_pod(pod, timed_out=timed_out)
            if found is not None:
                return found
    if timed_out:
        return StatusCondition(RESOURCES, "False", late["reason"], late.get("message", ""))
    return None


def _of_pod(pod: Object, *, timed_out: bool) -> StatusCondition | None:
    scheduled = condition_of(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return StatusCondition(RESOURCES, "False", scheduled.get("reason", ""), scheduled.get("message", ""))
    for entry in _own(pod):
        ended, waiting = _ended(entry), (entry.get("state") or {}).get("waiting")
        if ended:
            text = ended.get("message") or ("" if ended["exitCode"] else "container exited with no error")
            return StatusCondition(HEALTHY, "False", f"ExitCode{ended['exitCode']}", f"Container failed with: {text}")
        if waiting and timed_out:
            return StatusCondition(RESOURCES, "False", waiting.get("reason", ""), waiting.get("message", ""))
    return None


def _own(pod: Object) -> Iterable[Object]:
    """The statuses of the user's containers."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return (entry for entry in statuses if entry["name"] != QUEUE_PROXY)


def _ended(entry: Object) -> Object | None:
    return (entry.get("lastState") or {}).get("terminated") or None
