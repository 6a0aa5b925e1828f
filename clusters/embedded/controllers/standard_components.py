"""Standard mode: Deployments, Services and HPAs of InferenceServices, and the way of requests to their pods."""

from __future__ import annotations

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controllers.inference_status import standard_host
from clusters.embedded.dataplane.revision import USER_PORT, RevisionKey
from clusters.embedded.dataplane.routes import Backends, Endpoints, Routes, Split, service_hosts
from clusters.embedded.kserve import standard
from clusters.embedded.kserve.component_objects import PodTemplate
from clusters.embedded.kserve.kserve_names import COMPONENTS, PREDICTOR, TRANSFORMER, component_name
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, owner_references
from clusters.embedded.objects.status_conditions import is_true
from conformance.kube.resources import AUTOSCALERS, DEPLOYMENTS, PODS, SERVICES


class StandardComponents:
    """Brings about components without Knative."""

    def __init__(self, context: ControllerContext, table: Routes, endpoints: Endpoints) -> None:
        self._context = context
        self._table = table
        self._endpoints = endpoints
        self._published: dict[ObjectKey, list[tuple[str, RevisionKey]]] = {}

    def deploy(
        self, service: Object, component: str, name: str, template: PodTemplate, *, stopped: bool
    ) -> Object | None:
        """Make a component's objects; returns its Deployment, None when it is stopped."""
        context, namespace = self._context, service["metadata"]["namespace"]
        part = service["spec"][component]
        if stopped:
            for resource in (AUTOSCALERS, SERVICES, DEPLOYMENTS):
                context.remove(resource, namespace, name)
            return None
        wanted = standard.deployment(service, part, name, template, stopped=stopped)
        found = context.peek(DEPLOYMENTS, namespace, name)
        autoscaler = standard.horizontal_autoscaler(service, part, name, template)
        if autoscaler is not None:
            autoscaler = context.behaviour.horizontal_autoscaler(service, autoscaler)
        if "replicas" not in wanted["spec"]:
            least = autoscaler["spec"]["minReplicas"] if autoscaler else max(1, part.get("minReplicas") or 1)
            wanted["spec"]["replicas"] = found["spec"].get("replicas", least) if found else least
        owner = owner_references(service)
        for resource, value in (
            (DEPLOYMENTS, wanted),
            (SERVICES, standard.cluster_service(service, name, template)),
        ):
            value["metadata"]["ownerReferences"] = owner
            context.ensure(resource, value)
        if autoscaler is None:
            self._remove_own(service, name)
        else:
            autoscaler["metadata"]["ownerReferences"] = owner
            context.ensure(AUTOSCALERS, autoscaler)
        return context.peek(DEPLOYMENTS, namespace, name)

    def _remove_own(self, service: Object, name: str) -> None:
        """An HPA that KServe made goes; a user's own stays."""
        namespace = service["metadata"]["namespace"]
        found = self._context.peek(AUTOSCALERS, namespace, name)
        owners = (found or {}).get("metadata", {}).get("ownerReferences") or ()
        if any(owner.get("uid") == service["metadata"]["uid"] for owner in owners):
            self._context.remove(AUTOSCALERS, namespace, name)

    def route(self, service: Object, settings: KserveSettings, *, stopped: bool) -> None:
        """Publish hosts and pods of every component."""
        context, metadata = self._context, service["metadata"]
        key = ObjectKey(metadata["namespace"], metadata["name"])
        self.forget(key)
        if stopped:
            return
        entry = TRANSFORMER if service["spec"].get(TRANSFORMER) else PREDICTOR
        for component in COMPONENTS:
            if service["spec"].get(component) is None:
                continue
            name = component_name(key.name, component, service["spec"][component])
            backend = RevisionKey(key.namespace, f"{name}.standard")
            ready = self._addresses(key.namespace, name)
            self._endpoints.publish(backend, Backends(ready, proxy=False, activated=False))
            hosts = list(service_hosts(name, key.namespace, settings.ingress_domain, cluster_local=True))
            if component == entry:
                hosts.append(standard_host(key.name, key.namespace, settings))
            owner = f"standard/{key.namespace}/{name}"
            self._table.publish(owner, context.behaviour.routed_hosts(hosts), [Split(backend)])
            self._published.setdefault(key, []).append((owner, backend))

    def forget(self, key: ObjectKey) -> None:
        """The InferenceService is gone."""
        for owner, backend in self._published.pop(key, ()):
            self._table.withdraw(owner)
            self._endpoints.withdraw(backend)

    def _addresses(self, namespace: str, name: str) -> tuple[str, ...]:
        pods = self._context.view(PODS, namespace, {"app": standard.app(name)})
        return tuple(
            f"{pod['status']['podIP']}:{USER_PORT}" for pod in pods if not is_terminating(pod) and is_true(pod, "Ready")
        )
