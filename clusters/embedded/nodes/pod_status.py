"""A pod's status at each step of its life, as a kubelet writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Object = dict[str, Any]

TYPES: Final = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


class PodStatus:
    """Builds the statuses of one pod."""

    def __init__(self, pod: Object, node_ip: str, pod_ip: str) -> None:
        self._spec = pod["spec"]
        self._before: Object = dict(pod.get("status") or {})
        self._node_ip = node_ip
        self.pod_ip = pod_ip
        self._started: str | None = None
        self._containers: dict[str, Object] = {}
        self._inits: dict[str, Object] = {}
        self._conditions: dict[str, Object] = {
            entry["type"]: dict(entry) for entry in self._before.get("conditions") or ()
        }

    def creating(self, now: str) -> Object:
        """Taken by the kubelet: nothing runs yet."""
        self._started = now
        inits = self._spec.get("initContainers") or ()
        reason = "PodInitializing" if inits else "ContainerCreating"
        for container in inits:
            self._inits[container["name"]] = _waiting(container, reason)
        for container in self._spec["containers"]:
            self._containers[container["name"]] = _waiting(container, reason)
        self._set(now, PodReadyToStartContainers="False", Initialized="False" if inits else "True")
        names = " ".join(container["name"] for container in self._spec["containers"])
        self._unready(now, f"containers with unready status: [{names}]")
        return self._build("Pending")

    def initializing(self, now: str) -> Object:
        """The sandbox is there, init containers run."""
        for container in self._spec.get("initContainers") or ():
            self._inits[container["name"]] = _state(container, {"running": {"startedAt": now}}, ready=False)
        self._set(now, PodReadyToStartContainers="True")
        return self._build("Pending", address=True)

    def running(self, now: str) -> Object:
        """Containers run, none is ready."""
        for container in self._spec.get("initContainers") or ():
            done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
            self._inits[container["name"]] = _state(container, done, ready=True, started=False)
        for container in self._spec["containers"]:
            self._containers[container["name"]] = _state(container, {"running": {"startedAt": now}}, ready=False)
        self._set(now, PodReadyToStartContainers="True", Initialized="True")
        return self._build("Running", address=True)

    def container_ready(self, name: str, now: str) -> Object:
        """One container became ready; the pod is when all are."""
        self._containers[name] = {**self._containers[name], "ready": True}
        waiting = [entry["name"] for entry in self._containers.values() if not entry["ready"]]
        if waiting:
            self._unready(now, f"containers with unready status: [{' '.join(waiting)}]")
        else:
            self._set(now, ContainersReady="True", Ready="True")
        return self._build("Running", address=True)

    def waiting(self, name: str, reason: str, message: str) -> Object:
        """A container is not running, for this reason."""
        held = self._holding(name)
        entry = held[name]
        before = entry["state"] if "terminated" in entry["state"] else entry["lastState"]
        state = {"waiting": {"reason": reason, "message": message}}
        held[name] = {**entry, "state": state, "lastState": before, "ready": False, "started": False}
        return self._build(self._phase(), address=True)

    def started(self, name: str, now: str) -> Object:
        """A container that may not stay was started, perhaps again."""
        held = self._holding(name)
        entry = held[name]
        again = bool(entry["lastState"])
        count = entry["restartCount"] + (1 if again else 0)
        state = {"running": {"startedAt": now}}
        held[name] = {**entry, "state": state, "ready": False, "started": True, "restartCount": count}
        return self._build(self._phase(), address=True)

    def ended(self, name: str, code: int, message: str, began: str, now: str) -> Object:
        """A container ended by itself."""
        held = self._holding(name)
        outcome: Object = {"exitCode": code, "reason": "Error" if code else "Completed"}
        if message:
            outcome["message"] = message
        state = {"terminated": {**outcome, "startedAt": began, "finishedAt": now}}
        held[name] = {**held[name], "state": state, "ready": False, "started": False}
        return self._build(self._phase(), address=True)

    def lost(self, name: str, code: int, began: str, now: str) -> Object:
        """The serving container ended by itself, so the pod serves no more: its queue-proxy finds nobody either."""
        self.ended(name, code, "", began, now)
        for other, entry in self._containers.items():
            self._containers[other] = {**entry, "ready": False}
        self._unready(now, f"containers with unready status: [{' '.join(self._containers)}]")
        return self._build(self._phase(), address=True)

    def finished(self, now: str, *, succeeded: bool) -> Object:
        """All containers have ended and none is started again."""
        phase = "Succeeded" if succeeded else "Failed"
        self._unready(now, "", reason="PodCompleted" if succeeded else "PodFailed")
        return self._build(phase, address=True)

    def _holding(self, name: str) -> dict[str, Object]:
        return self._containers if name in self._containers else self._inits

    def _phase(self) -> str:
        """Pending as long as an init container has not succeeded or a container has never been started."""
        if any("terminated" not in entry["state"] or not entry["ready"] for entry in self._inits.values()):
            return "Pending"
        never = ("waiting" in entry["state"] and not entry["lastState"] for entry in self._containers.values())
        return "Pending" if any(never) else "Running"

    def draining(self, now: str, *, started: bool) -> Object:
        """Terminating: queue-proxy no longer answers probes."""
        for name, entry in self._containers.items():
            if name == "queue-proxy" or not started:
                self._containers[name] = {**entry, "ready": False}
        self._unready(now, "containers with unready status: [queue-proxy]")
        return self._build("Running" if started else "Pending", address=True)

    def stopped(self, now: str) -> Object:
        """All containers have ended."""
        for container in self._spec["containers"]:
            ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}}
            self._containers[container["name"]] = _state(container, ended, ready=False, started=False)
        self._unready(now, "", reason="PodCompleted")
        return self._build("Succeeded", address=True)

    def _set(self, now: str, **states: str) -> None:
        for kind, state in states.items():
            before = self._conditions.get(kind)
            if before is None or before["status"] != state or "reason" in before:
                self._conditions[kind] = {"type": kind, "status": state, "lastTransitionTime": now}

    def _unready(self, now: str, message: str, reason: str = "ContainersNotReady") -> None:
        for kind in ("Ready", "ContainersReady"):
            before = self._conditions.get(kind)
            since = before["lastTransitionTime"] if before and before["status"] == "False" else now
            self._conditions[kind] = {
                "type": kind,
                "status": "False",
                "reason": reason,
                "message": message,
                "lastTransitionTime": since,
            }

    def _build(self, phase: str, *, address: bool = False) -> Object:
        status: Object = {
            "phase": phase,
            "conditions": [dict(self._conditions[kind]) for kind in TYPES if kind in self._conditions],
            "hostIP": self._node_ip,
            "hostIPs": [{"ip": self._node_ip}],
            "startTime": self._started,
            "containerStatuses": [dict(self._containers[name]) for name in sorted(self._containers)],
            "qosClass": self._before.get("qosClass", "Burstable"),
        }
        if self._inits:
            status["initContainerStatuses"] = [dict(entry) for entry in self._inits.values()]
        if address:
            status |= {"podIP": self.pod_ip, "podIPs": [{"ip": self.pod_ip}]}
        return status


def _waiting(container: Object, reason: str) -> Object:
    return _state(container, {"waiting": {"reason": reason}}, ready=False, started=False)


def _state(container: Object, state: Mapping[str, Any], *, ready: bool, started: bool = True) -> Object:
    image = container.get("image", "")
    entry: Object = {
        "name": container["name"],
        "image": image,
        "imageID": image if "@" in image else "",
        "lastState": {},
        "ready": ready,
        "restartCount": 0,
        "started": started,
        "state": dict(state),
    }
    if "running" in state or "terminated" in state:
        entry["containerID"] = f"containerd://{container['name']}"
    return entry
