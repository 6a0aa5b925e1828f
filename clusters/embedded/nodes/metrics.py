"""The resource metrics API, as metrics-server serves it: what `kubectl top`, dashboards and horizontal autoscalers ask.

Its figures are those of `UsageMeter`, as old and as coarse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from clusters.embedded.api.admission_chain import Hooks
from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.store import Store
from clusters.embedded.behaviour.platform_behaviour import Behaviour
from clusters.embedded.nodes.pod_process import PodProcess
from clusters.embedded.nodes.usage_meter import Measured, UsageMeter
from clusters.embedded.objects.metadata import Object, ObjectKey, timestamp
from conformance.base.clock import Clock
from conformance.kube import resources
from conformance.kube.resources import API_SERVICES, METRICS_SERVICE, NODES

POD_METRICS: Final = Kind(resources.POD_METRICS, "", verbs=("get", "list"), list_kind="PodMetricsList", stored=False)
NODE_METRICS: Final = Kind(resources.NODE_METRICS, "", verbs=("get", "list"), list_kind="NodeMetricsList", stored=False)
NODE_IDLE: Final = (0.05, 200 * 2**20)
"""Cores and bytes of a node without pods."""
NODE_WINDOW_SECONDS: Final = 10.0


class Metrics:
    """Serves what is measured of pods and nodes."""

    def __init__(
        self, store: Store, clock: Clock, behaviour: Behaviour, process: Callable[[ObjectKey], PodProcess | None]
    ) -> None:
        """`process` finds the running part of a pod."""
        self._behaviour = behaviour
        self._store = store
        self._clock = clock
        self.meter = UsageMeter(store, clock, process)

    def install(self, hooks: Hooks) -> None:
        """Serve the API group."""
        for kind, source in ((NODE_METRICS, self.nodes), (POD_METRICS, self.pods)):
            self._store.kinds.add(kind)
            hooks.computed[kind.storage] = source

    def pods(self, namespace: str) -> list[Object]:
        """PodMetrics of the pods that are known. Raises ApiError while nobody serves them."""
        self._require_served()
        if not self._behaviour.serves_metrics(self._clock.wall()):
            raise ApiError("ServiceUnavailable", "the server is currently unable to handle the request", code=503)
        return [
            self._object(
                POD_METRICS,
                pod,
                min(each.at for each in containers.values()),
                max(each.window_seconds for each in containers.values()),
                containers=[{"name": name, "usage": _texts(*each[2:])} for name, each in containers.items()],
            )
            for pod, containers in self._known()
            if not namespace or pod["metadata"]["namespace"] == namespace
        ]

    def nodes(self, namespace: str) -> list[Object]:
        """NodeMetrics: all pods on each node together."""
        del namespace
        self._require_served()
        totals: dict[str, tuple[float, int]] = {}
        for pod, containers in self._known():
            for each in containers.values():
                cores, held = totals.get(pod["spec"].get("nodeName", ""), NODE_IDLE)
                totals[pod["spec"].get("nodeName", "")] = (cores + each.cores, held + each.held_bytes)
        known = self._store.objects(self._store.kinds.of(NODES).storage)
        now = self._clock.monotonic()
        return [
            self._object(
                NODE_METRICS,
                known[key],
                now,
                NODE_WINDOW_SECONDS,
                usage=_texts(*totals.get(known[key]["metadata"]["name"], NODE_IDLE)),
            )
            for key in sorted(known)
        ]

    def _require_served(self) -> None:
        """Raises ApiError where no APIService leads here."""
        if self._store.get(API_SERVICES, None, METRICS_SERVICE) is None:
            raise ApiError("NotFound", "the server could not find the requested resource", code=404)

    def _known(self) -> Iterator[tuple[Object, dict[str, Measured]]]:
        for pod in self.meter.running():
            if (containers := self.meter.pod(pod)) is not None:
                yield pod, containers

    def _object(self, kind: Kind, about: Object, at: float, window_seconds: float, **fields: object) -> Object:
        metadata: Object = {"name": about["metadata"]["name"], "creationTimestamp": self._store.now()}
        if kind.resource.namespaced:
            metadata["namespace"] = about["metadata"]["namespace"]
        if about["metadata"].get("labels"):
            metadata["labels"] = dict(about["metadata"]["labels"])
        head: Object = {"kind": kind.resource.kind, "apiVersion": kind.resource.api_version, "metadata": metadata}
        wall = self._clock.wall() - (self._clock.monotonic() - at)
        return {**head, "timestamp": timestamp(wall), "window": f"{window_seconds:.3f}s", **fields}


def _texts(cores: float, held_bytes: float) -> dict[str, str]:
    """Quantities as metrics-server writes them: nanocores and kibibytes."""
    return {"cpu": f"{cores * 1e9:.0f}n", "memory": f"{held_bytes / 1024:.0f}Ki"}
