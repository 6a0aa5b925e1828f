"""The scheduler: the emptiest node that fits, or a pod that waits and says why.

Wordings are kube-scheduler's: people and tests search for `Insufficient nvidia.com/gpu`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched
from clusters.embedded.nodes.taints import untolerated
from clusters.embedded.objects.capacity import PODS as POD_COUNT
from clusters.embedded.objects.capacity import Amounts, allocatable, amounts_by_node, missing, requested_amounts
from clusters.embedded.objects.metadata import Object, ObjectKey, editable, is_terminating, key_of
from conformance.kube.resources import NODES, PODS

COMPONENT: Final = "default-scheduler"


class Scheduler:
    """Reconciles pods without a node."""

    name = "scheduler"

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._waiting: dict[ObjectKey, None] = {}
        self.watches: Sequence[Watched] = (Watched(PODS, self._pod_changed), Watched(NODES, self._node_changed))

    def _pod_changed(self, pod: Object) -> Iterable[ObjectKey]:
        if not pod["spec"].get("nodeName"):
            yield key_of(pod)
        elif is_terminating(pod) or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            yield from self._waiting

    def _node_changed(self, node: Object) -> Iterable[ObjectKey]:
        del node
        yield from self._waiting

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        pod = context.peek(PODS, *key)
        if pod is None or is_terminating(pod) or pod["spec"].get("nodeName"):
            self._waiting.pop(key, None)
            return None
        wanted = context.behaviour.scheduled_amounts(pod, requested_amounts(pod))
        held = context.store.objects(("", "pods"))
        taken = amounts_by_node(held.values())
        nodes = list(context.view(NODES))
        fitting: list[tuple[float, str]] = []
        reasons: Counter[str] = Counter()
        for node in nodes:
            name, have = node["metadata"]["name"], allocatable(node)
            refusal = _refusal(pod, node) or _shortage(wanted, have, taken.get(name, {}))
            if refusal:
                reasons.update(refusal)
            else:
                fitting.append((_load(wanted, have, taken.get(name, {})), name))
        if fitting:
            self._bind(pod, min(fitting)[1])
            self._waiting.pop(key, None)
        else:
            self._wait(key, pod, len(nodes), reasons)
        return None

    def _bind(self, pod: Object, node: str) -> None:
        context = self._context
        placed = editable(pod)
        placed["spec"]["nodeName"] = node
        bound = context.store.update(PODS, placed)
        condition = {"type": "PodScheduled", "status": "True", "lastTransitionTime": context.now()}
        context.set_status(PODS, bound, {**(bound.get("status") or {}), "conditions": [condition]})
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        context.event(pod, "Scheduled", f"Successfully assigned {name} to {node}", COMPONENT)

    def _wait(self, key: ObjectKey, pod: Object, nodes: int, reasons: Counter[str]) -> None:
        context = self._context
        self._waiting[key] = None
        listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        victims = f"preemption: 0/{nodes} nodes are available: {nodes} No preemption victims found for incoming pod."
        message = (
            f"0/{nodes} nodes are available: {listed}. {victims}" if nodes else "no nodes available to schedule pods"
        )
        status = pod.get("status") or {}
        before = next((c for c in status.get("conditions") or () if c["type"] == "PodScheduled"), None)
        if before is not None and before.get("message") == message:
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": before["lastTransitionTime"] if before else context.now(),
        }
        context.set_status(PODS, pod, {**status, "phase": "Pending", "conditions": [condition]})
        context.event(pod, "FailedScheduling", message, COMPONENT, "Warning")


def _shortage(wanted: Amounts, have: Amounts, taken: Amounts) -> list[str]:
    lacking = missing(wanted, have, taken)
    return ["Too many pods" if name == POD_COUNT else f"Insufficient {name}" for name in lacking]


def _load(wanted: Amounts, have: Amounts, taken: Amounts) -> float:
    """How full the fuller of cpu and memory would be."""
    shares = [
        (taken.get(name, 0.0) + wanted.get(name, 0.0)) / have[name]
        for name in ("cpu", "memory", POD_COUNT)
        if have.get(name)
    ]
    return round(max(shares, default=0.0), 6)


def _refusal(pod: Object, node: Object) -> list[str]:
    """What about a node other than its size keeps a pod away."""
    spec, labels = node.get("spec") or {}, node["metadata"].get("labels") or {}
    if spec.get("unschedulable"):
        return ["node(s) were unschedulable"]
    selector = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(name) != text for name, text in selector.items()):
        return ["node(s) didn't match Pod's node affinity/selector"]
    taint = untolerated(pod, node)
    if taint is not None:
        return [f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"]
    return []
