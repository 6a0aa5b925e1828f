"""ReplicaSets: as many pods as wanted. Kubernetes ranks what goes first: no node, pending, not ready, youngest."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.embedded.api.defaulting import admit_new, set_defaults
from clusters.embedded.api.json_values import copied
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, owner_of
from clusters.embedded.kserve.storage import inject
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, owner_references, parse_timestamp
from clusters.embedded.objects.status_conditions import is_true
from conformance.kube.resources import NAMESPACES, PODS, REPLICA_SETS, STORAGE_CONTAINERS

PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


class ReplicaSets:
    """Reconciles ReplicaSets."""

    name = "replicaset-controller"
    watches: Sequence[Watched] = (Watched(REPLICA_SETS), Watched(PODS, owner_of("ReplicaSet")))

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        entry = context.peek(REPLICA_SETS, *key)
        if entry is None or is_terminating(entry):
            return None
        pods = self._pods(entry)
        wanted = entry["spec"].get("replicas", 1)
        for _ in range(wanted - len(pods) if self._takes_pods(key.namespace) else 0):
            pod = context.store.create(PODS, self._admitted(self._pod(entry)))
            pods.append(pod)
            context.event(entry, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", self.name)
        if len(pods) > wanted:
            ranked = sorted(pods, key=self._rank)
            for pod in context.behaviour.removed_first(ranked)[: len(pods) - wanted]:
                name = pod["metadata"]["name"]
                context.store.delete(PODS, key.namespace, name)
                context.event(entry, "SuccessfulDelete", f"Deleted pod: {name}", self.name)
                pods.remove(pod)
        self._tell(entry, pods)
        return None

    def _takes_pods(self, namespace: str) -> bool:
        """The API server creates nothing in a namespace that is being terminated, whoever asks."""
        found = self._context.peek(NAMESPACES, "", namespace)
        return found is None or not is_terminating(found)

    def _pods(self, entry: Object) -> list[Object]:
        """Pods that count: neither going nor finished."""
        wanted = (entry["spec"]["selector"].get("matchLabels") or {}).items()
        return [
            pod
            for pod in self._context.owned(entry, PODS)
            if wanted <= (pod["metadata"].get("labels") or {}).items()
            and not is_terminating(pod)
            and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]

    def _rank(self, pod: Object) -> tuple[object, ...]:
        """Lowest goes first."""
        ready = is_true(pod, "Ready")
        born = parse_timestamp(pod["metadata"]["creationTimestamp"])
        phase = PHASES.get((pod.get("status") or {}).get("phase", "Pending"), 0)
        placed = bool(pod["spec"].get("nodeName"))
        return (placed, phase, ready, -born, pod["metadata"]["name"])

    def _pod(self, entry: Object) -> Object:
        template = copied(entry["spec"]["template"])
        metadata = template.get("metadata") or {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **metadata,
                "generateName": entry["metadata"]["name"] + "-",
                "namespace": entry["metadata"]["namespace"],
                "ownerReferences": owner_references(entry),
            },
            "spec": template["spec"],
        }

    def _admitted(self, pod: Object) -> Object:
        """What KServe's pod webhook and the API server's defaults make of it."""
        initializer = self._context.kserve().initializer or {}
        fallback = {"image": initializer.get("image", "kserve/storage-initializer:latest")}
        injected = inject(pod, self._context.view(STORAGE_CONTAINERS), fallback)
        kind = self._context.store.kinds.of(PODS)
        set_defaults(kind, injected)
        admit_new(kind, injected)
        return injected

    def _tell(self, entry: Object, pods: Sequence[Object]) -> None:
        ready = sum(1 for pod in pods if is_true(pod, "Ready"))
        status: Object = {
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "observedGeneration": entry["metadata"].get("generation", 1),
        }
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        if not pods:
            del status["fullyLabeledReplicas"]
        self._context.set_status(REPLICA_SETS, entry, status)
