"""The Pod row of `kubectl get pods`: what one word says about a pod's containers."""

from __future__ import annotations

from typing import Any, Final

from clusters.embedded.api.durations import human_duration
from clusters.embedded.api.status import Object

NONE: Final = "<none>"


def cells(pod: Object, now_seconds: float, age: str) -> list[Any]:
    """Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    statuses = status.get("containerStatuses") or []
    total = len(spec.get("containers") or ())
    ready = sum(1 for one in statuses if one.get("ready") and "running" in (one.get("state") or {}))
    reason, starting = _initialising(spec, status)
    restarts = sum(one.get("restartCount", 0) for one in status.get("initContainerStatuses") or ()) if starting else 0
    if not starting:
        reason = _running(reason, statuses, status)
        restarts = sum(one.get("restartCount", 0) for one in statuses)
    if pod["metadata"].get("deletionTimestamp"):
        reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    addresses = status.get("podIPs") or []
    return [
        f"{ready}/{total}",
        reason,
        _restarts(restarts, statuses, now_seconds),
        age,
        (addresses[0].get("ip") if addresses else status.get("podIP")) or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status),
    ]


def _initialising(spec: Object, status: Object) -> tuple[str, bool]:
    """The reason so far, and whether an init container is at work."""
    reason = status.get("reason") or status.get("phase") or "Unknown"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
            reason = "SchedulingGated"
    total = len(spec.get("initContainers") or ())
    for index, one in enumerate(status.get("initContainerStatuses") or ()):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode", 0) == 0:
            continue
        if ended:
            return f"Init:{ended.get('reason') or _exit(ended)}", True
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}", True
        return f"Init:{index}/{total}", True
    return reason, False


def _running(reason: str, statuses: list[Object], status: Object) -> str:
    running = False
    for one in reversed(statuses):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting and waiting.get("reason"):
            reason = waiting["reason"]
        elif ended:
            reason = ended.get("reason") or _exit(ended)
        elif one.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        conditions = status.get("conditions") or ()
        is_ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
        reason = "Running" if is_ready else "NotReady"
    return reason


def _exit(ended: Object) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _restarts(count: int, statuses: list[Object], now_seconds: float) -> str:
    from clusters.embedded.api.table import seconds_since

    finished = [
        ended["finishedAt"]
        for one in statuses
        if (ended := (one.get("lastState") or {}).get("terminated")) and ended.get("finishedAt")
    ]
    if not count or not finished:
        return str(count)
    return f"{count} ({human_duration(seconds_since(max(finished), now_seconds))} ago)"


def _gates(spec: Object, status: Object) -> str:
    gates = spec.get("readinessGates") or []
    if not gates:
        return NONE
    true = {one.get("type") for one in status.get("conditions") or () if one.get("status") == "True"}
    return f"{sum(1 for gate in gates if gate.get('conditionType') in true)}/{len(gates)}"
