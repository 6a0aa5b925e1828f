"""The resource metrics API: what `kubectl top` and dashboards ask for.

Usage is the same line that horizontal autoscalers go by (`clusters.embedded.nodes.pod_usage`), here at the moment of
the question: the serving container's share grows with the requests it holds, its neighbours idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.store import Store
from clusters.embedded.kserve.kserve_names import CONTAINER
from clusters.embedded.nodes.pod_process import PodProcess
from clusters.embedded.nodes.pod_usage import share
from clusters.embedded.objects.capacity import reserved
from clusters.embedded.objects.metadata import Object, ObjectKey, key_of
from clusters.embedded.objects.status_conditions import is_true
from conformance.kube import resources
from conformance.kube.resources import NODES, PODS, Resource

GROUP: Final = "metrics.k8s.io"
WINDOW: Final = "1s"
LEAST: Final = {"cpu": 0.001, "memory": 8.0 * 2**20}
"""What a running container uses that reserves nothing: cores, bytes."""
POD_METRICS: Final = Kind(
    Resource(GROUP, "v1beta1", "pods", "PodMetrics"),
    "",
    verbs=("get", "list"),
    list_kind="PodMetricsList",
    stored=False,
)
NODE_METRICS: Final = Kind(
    resources.NODE_METRICS,
    "",
    verbs=("get", "list"),
    list_kind="NodeMetricsList",
    stored=False,
)


class Metrics:
    """Measures pods and nodes."""

    def __init__(self, store: Store, process: Callable[[ObjectKey], PodProcess | None]) -> None:
        """`process` finds the running part of a pod."""
        self._store = store
        self._process = process

    def install(self, hooks: Hooks) -> None:
        """Serve the API group."""
        for kind, source in ((NODE_METRICS, self.nodes), (POD_METRICS, self.pods)):
            self._store.kinds.add(kind)
            hooks.computed[kind.storage] = source

    def pods(self, namespace: str) -> list[Object]:
        """PodMetrics of what runs."""
        return [
            self._object(POD_METRICS, pod, containers=[_said(name, used) for name, used in self._containers(pod)])
            for pod in self._running()
            if not namespace or pod["metadata"]["namespace"] == namespace
        ]

    def nodes(self, namespace: str) -> list[Object]:
        """NodeMetrics: all pods on each node together."""
        del namespace
        totals: dict[str, dict[str, float]] = {}
        for pod in self._running():
            total = totals.setdefault(pod["spec"].get("nodeName", ""), dict.fromkeys(LEAST, 0.0))
            for _, used in self._containers(pod):
                for name, amount in used.items():
                    total[name] += amount
        return [
            self._object(NODE_METRICS, node, usage=_texts(totals.get(node["metadata"]["name"], dict(LEAST))))
            for node in self._held(NODES)
        ]

    def _held(self, resource: Resource) -> Iterator[Object]:
        held = self._store.objects(self._store.kinds.of(resource).storage)
        return (held[key] for key in sorted(held))

    def _running(self) -> Iterator[Object]:
        """Pods whose containers run."""
        return (pod for pod in self._held(PODS) if is_true(pod, "PodReadyToStartContainers") and _is_running(pod))

    def _containers(self, pod: Object) -> Iterator[tuple[str, dict[str, float]]]:
        process = self._process(key_of(pod))
        in_flight = 0 if process is None else process.in_flight or 0
        for container in pod["spec"]["containers"]:
            amounts, load = reserved(container), in_flight if container["name"] == CONTAINER else 0
            yield (
                container["name"],
                {name: amounts.get(name, 0.0) * share(name, load) or least for name, least in LEAST.items()},
            )

    def _object(self, kind: Kind, about: Object, **fields: object) -> Object:
        metadata: Object = {"name": about["metadata"]["name"], "creationTimestamp": self._store.now()}
        if kind.resource.namespaced:
            metadata["namespace"] = about["metadata"]["namespace"]
        if about["metadata"].get("labels"):
            metadata["labels"] = dict(about["metadata"]["labels"])
        head: Object = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version, "metadata": metadata}
        return {**head, "timestamp": self._store.now(), "window": WINDOW, **fields}


def _is_running(pod: Object) -> bool:
    return bool((pod.get("status") or {}).get("phase") == "Running")


def _said(name: str, used: dict[str, float]) -> Object:
    return {"name": name, "usage": _texts(used)}


def _texts(used: dict[str, float]) -> dict[str, str]:
    """Quantities as metrics-server writes them: nanocores and kibibytes."""
    return {"cpu": f"{used['cpu'] * 1e9:.0f}n", "memory": f"{used['memory'] / 1024:.0f}Ki"}
