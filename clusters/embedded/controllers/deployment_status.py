"""What a Deployment says of itself: counts, Available, Progressing."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.objects.metadata import Object, parse_timestamp
from clusters.embedded.objects.status_conditions import condition_of
from conformance.kube.resources import DEPLOYMENTS


class DeploymentStatus:
    """The status of one Deployment as it is now."""

    def __init__(self, context: ControllerContext, deployment: Object, least: int) -> None:
        """`least`: pods that must be available."""
        self._context = context
        self._deployment = deployment
        self._least = least

    def write(self, old: Sequence[Object], new: Object | None) -> float | None:
        """Write it. Returns the seconds after which the progress deadline will have passed."""
        deployment = self._deployment
        current = [] if new is None else [new]
        sets = [*old, *current]
        replicas, ready = _total("replicas", sets), _total("readyReplicas", sets)
        updated, available = _total("replicas", current), _total("availableReplicas", sets)
        status: Object = {"observedGeneration": deployment["metadata"].get("generation", 1)}
        for field, count in (
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", max(0, replicas - available)),
        ):
            if count:
                status[field] = count
        reason, text = "MinimumReplicasAvailable", "Deployment has minimum availability."
        enough = available >= self._least
        if not enough:
            reason, text = "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
        availability = self._condition("Available", "True" if enough else "False", reason, text)
        wanted = deployment["spec"].get("replicas", 1)
        again = None
        if deployment["spec"].get("paused"):
            progress = self._condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        else:
            done = updated == wanted and available >= wanted and replicas == wanted
            progress, again = self._progress(new or {"metadata": {"name": ""}}, done=done, available=available)
        status["conditions"] = [availability, progress]
        self._context.set_status(DEPLOYMENTS, deployment, status)
        return again

    def _progress(self, new: Object, *, done: bool, available: int) -> tuple[Object, float | None]:
        """The Progressing condition, and when its deadline passes."""
        deployment, context, name = self._deployment, self._context, new["metadata"]["name"]
        before = condition_of(deployment, "Progressing")
        if done:
            text = f'ReplicaSet "{name}" has successfully progressed.'
            return self._condition("Progressing", "True", "NewReplicaSetAvailable", text), None
        if before is not None and before["reason"] == "NewReplicaSetAvailable" and name in before["message"]:
            return before, None
        deadline = deployment["spec"].get("progressDeadlineSeconds", 600)
        resumed = before is not None and before["reason"] == "DeploymentPaused"
        advanced = (deployment.get("status") or {}).get("availableReplicas", 0) < available
        fresh = before is None or resumed or advanced or f'"{name}"' not in before["message"]
        updated_at = context.now() if fresh or before is None else before["lastUpdateTime"]
        left = parse_timestamp(updated_at) + deadline - context.clock.wall()
        if left <= 0:
            text = f'ReplicaSet "{name}" has timed out progressing.'
            return self._condition("Progressing", "False", "ProgressDeadlineExceeded", text), None
        text = f'ReplicaSet "{name}" is progressing.'
        entry = self._condition("Progressing", "True", "ReplicaSetUpdated", text)
        return {**entry, "lastUpdateTime": updated_at}, left + 1

    def _condition(self, kind: str, status: str, reason: str, message: str) -> Object:
        before = condition_of(self._deployment, kind)
        now = self._context.now()
        if before is not None and (before["status"], before["reason"]) == (status, reason):
            return {**before, "message": message}
        moved = before is None or before["status"] != status
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastUpdateTime": now,
            "lastTransitionTime": now if moved or before is None else before["lastTransitionTime"],
        }


def _total(field: str, sets: Sequence[Object]) -> int:
    return sum((entry.get("status") or {}).get(field, 0) for entry in sets)
