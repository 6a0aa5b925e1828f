"""ServerlessServices: what stands behind a revision, told to ingress and activators
(Knative pkg/reconciler/serverlessservice)."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, labelled
from clusters.embedded.dataplane.revision import QUEUE_PORT, RevisionKey
from clusters.embedded.dataplane.traffic import RevisionEndpoints, Traffic
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, labels
from clusters.embedded.objects.status_conditions import StatusCondition, is_true, summary
from conformance.kube.resources import PODS, SERVERLESS_SERVICES


class ServerlessServices:
    """Reconciles ServerlessServices."""

    name = "serverlessservice-controller"
    watches: Sequence[Watched] = (Watched(SERVERLESS_SERVICES), Watched(PODS, labelled(REVISION)))

    def __init__(self, context: ControllerContext, traffic: Traffic) -> None:
        self._context = context
        self._traffic = traffic

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        service = context.peek(SERVERLESS_SERVICES, *key)
        if service is None or is_terminating(service):
            return None
        ready, starting = self._addresses(key)
        proxy = service["spec"]["mode"] == "Proxy"
        endpoints = RevisionEndpoints(ready, starting, proxy, int(service["spec"].get("numActivators") or 2))
        self._traffic.publish(RevisionKey(*key), endpoints)
        self._tell(service, proxy or not ready, bool(ready))
        return None

    def _addresses(self, key: ObjectKey) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Addresses of ready pods and of pods that have one but are not ready yet."""
        ready: list[str] = []
        starting: list[str] = []
        for (namespace, _), pod in sorted(self._context.store.objects(("", "pods")).items()):
            if namespace != key.namespace or labels(pod).get(REVISION) != key.name:
                continue
            if is_terminating(pod) and not self._context.behaviour.keeps_terminating_endpoint():
                continue
            ip = (pod.get("status") or {}).get("podIP")
            if ip:
                (ready if is_true(pod, "Ready") else starting).append(f"{ip}:{QUEUE_PORT}")
        return tuple(ready), tuple(starting)

    def _tell(self, service: Object, proxying: bool, populated: bool) -> None:
        name = service["metadata"]["name"]
        endpoints = StatusCondition("EndpointsPopulated", "True")
        if not populated and not proxying:
            endpoints = StatusCondition("EndpointsPopulated", "Unknown", "NoHealthyBackends", "No healthy backends")
        activators = StatusCondition("ActivatorEndpointsPopulated", "True" if proxying else "False", severity="Info")
        fields: Object = {"serviceName": name, "privateServiceName": f"{name}-private"}
        conditions = [endpoints, activators, summary("Ready", [endpoints])]
        self._context.set_conditions(SERVERLESS_SERVICES, service, conditions, fields)
