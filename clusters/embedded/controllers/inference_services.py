"""InferenceServices: a Knative Service or a Deployment for each component, and one status over them
(pkg/controller/v1beta1/inferenceservice)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.controller_runtime.controller_context import KSERVE_NAMESPACE, ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, labelled, owner_of
from clusters.embedded.controllers.inference_status import InferenceStatus
from clusters.embedded.controllers.standard_components import StandardComponents
from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.dataplane.routes import Routes, Split, service_hosts
from clusters.embedded.knative.knative_admission import admit_service
from clusters.embedded.kserve import component_objects, serverless
from clusters.embedded.kserve.kserve_names import (
    COMPONENTS,
    INFERENCE_SERVICE,
    PREDICTOR,
    STANDARD,
    STOP,
    TRANSFORMER,
    component_name,
)
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.kserve.manifest_validation import deployment_mode
from clusters.embedded.kserve.runtimes import ChosenRuntime, NoRuntimeError, choose
from clusters.embedded.objects.metadata import Object, ObjectKey, annotations_of, is_terminating, owner_references
from conformance.kube.resources import (
    CLUSTER_SERVING_RUNTIMES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    KNATIVE_SERVICES,
    PODS,
    ROUTES,
    SERVING_RUNTIMES,
)

RETRY_SECONDS = 5.0


class InferenceServices:
    """Reconciles InferenceServices."""

    name = "v1beta1Controllers"

    def __init__(self, context: ControllerContext, table: Routes, standard: StandardComponents) -> None:
        self._context = context
        self._table = table
        self._standard = standard
        self.watches: Sequence[Watched] = (
            Watched(INFERENCE_SERVICES),
            Watched(KNATIVE_SERVICES, labelled(INFERENCE_SERVICE)),
            Watched(DEPLOYMENTS, owner_of("InferenceService")),
            Watched(PODS, labelled(INFERENCE_SERVICE)),
            Watched(SERVING_RUNTIMES, self._all_in_namespace),
            Watched(CONFIG_MAPS, self._all),
        )

    def _all_in_namespace(self, value: Object) -> Iterable[ObjectKey]:
        namespace = value["metadata"]["namespace"]
        for key in list(self._context.store.objects(("serving.kserve.io", "inferenceservices"))):
            if key[0] == namespace:
                yield ObjectKey(*key)

    def _all(self, value: Object) -> Iterable[ObjectKey]:
        if value["metadata"]["namespace"] == KSERVE_NAMESPACE:
            for key in list(self._context.store.objects(("serving.kserve.io", "inferenceservices"))):
                yield ObjectKey(*key)

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        service = context.peek(INFERENCE_SERVICES, *key)
        if service is None or is_terminating(service):
            self._table.withdraw(f"isvc/{key.namespace}/{key.name}")
            self._standard.forget(key)
            return None
        settings = context.kserve()
        mode = deployment_mode(service, settings)
        status = InferenceStatus(context, service, mode, settings)
        stopped = context.behaviour.stops(service, annotations_of(service).get(STOP) == "true")
        again = None
        for component in COMPONENTS:
            if service["spec"].get(component) is None:
                self._remove(service, component)
                continue
            try:
                self._deploy(service, component, mode, settings, status, stopped)
            except NoRuntimeError as error:
                status.no_runtime(component, error.reason, str(error))
                context.event(service, error.reason, str(error), self.name, "Warning")
            except ApiError as error:
                status.failed(component, str(error))
                text = f"fails to reconcile {component}: {error}"
                context.event(service, "InternalError", text, self.name, "Warning")
                again = RETRY_SECONDS
        self._route(service, mode, settings, stopped)
        became_ready = status.write(stopped=stopped)
        if became_ready:
            context.event(service, "InferenceServiceReady", f"InferenceService [{key.name}] is Ready", self.name)
        return again

    def _deploy(
        self,
        service: Object,
        component: str,
        mode: str,
        settings: KserveSettings,
        status: InferenceStatus,
        stopped: bool,
    ) -> None:
        runtime = self._runtime(service) if component == PREDICTOR else None
        if component == PREDICTOR:
            template = component_objects.predictor(service, runtime, settings)
            status.chosen(runtime)
        else:
            template = component_objects.custom(service, component, settings)
        name = self._name(service, component)
        if mode == STANDARD:
            found = self._standard.deploy(service, component, name, template, stopped=stopped)
            status.standard(component, found, name)
            return
        if stopped:
            self._context.remove(KNATIVE_SERVICES, service["metadata"]["namespace"], name)
            status.component(component, None, stopped=True)
            return
        found = self._serverless(service, component, name, template, status)
        status.component(component, found)

    def _name(self, service: Object, component: str) -> str:
        name = component_name(service["metadata"]["name"], component, service["spec"][component])
        return self._context.behaviour.component_name(name, component)

    def _serverless(
        self,
        service: Object,
        component: str,
        name: str,
        template: component_objects.PodTemplate,
        status: InferenceStatus,
    ) -> Object:
        context = self._context
        part = context.behaviour.component(service, component)
        config = context.autoscaler_config()
        notes = serverless.autoscaling_annotations(part, template.annotations, config.allow_zero_initial_scale)
        notes = context.behaviour.template_annotations(service, component, notes)
        before = status.before(component)
        shares = serverless.traffic(
            part, before.get("latestRolledoutRevision"), before.get("previousRolledoutRevision")
        )
        wanted = serverless.knative_service(service, part, name, template, notes, shares)
        wanted["metadata"]["ownerReferences"] = owner_references(service)
        existing = context.peek(KNATIVE_SERVICES, service["metadata"]["namespace"], name)
        admitted = admit_service(
            context.behaviour.knative_service(service, wanted, existing),
            existing,
            config,
            context.config("config-defaults"),
            context.behaviour.complaints,
        )
        found, _ = context.ensure(KNATIVE_SERVICES, admitted)
        return found

    def _runtime(self, service: Object) -> ChosenRuntime | None:
        model = service["spec"][PREDICTOR].get("model")
        if not isinstance(model, dict):
            return None
        context = self._context
        namespaced = list(context.view(SERVING_RUNTIMES, service["metadata"]["namespace"]))
        return choose(model, namespaced, list(context.view(CLUSTER_SERVING_RUNTIMES)))

    def _remove(self, service: Object, component: str) -> None:
        """A component that is no longer there takes its objects with it."""
        namespace = service["metadata"]["namespace"]
        name = component_name(service["metadata"]["name"], component)
        found = self._context.peek(KNATIVE_SERVICES, namespace, name)
        owners = (found or {}).get("metadata", {}).get("ownerReferences") or ()
        if any(owner.get("uid") == service["metadata"]["uid"] for owner in owners):
            self._context.remove(KNATIVE_SERVICES, namespace, name)

    def _route(self, service: Object, mode: str, settings: KserveSettings, stopped: bool) -> None:
        """The virtual host of the whole service leads to the transformer if there is one, else to the predictor."""
        context, metadata = self._context, service["metadata"]
        owner = f"isvc/{metadata['namespace']}/{metadata['name']}"
        if mode == STANDARD:
            self._standard.route(service, settings, stopped=stopped)
            return
        if not settings.virtual_host or stopped:
            self._table.withdraw(owner)
            return
        entry = TRANSFORMER if service["spec"].get(TRANSFORMER) else PREDICTOR
        name = self._name(service, entry)
        route = context.peek(ROUTES, metadata["namespace"], name)
        targets = ((route or {}).get("status") or {}).get("traffic") or ()
        if not targets:
            self._table.withdraw(owner)
            return
        hosts = service_hosts(metadata["name"], metadata["namespace"], context.domain())
        splits = [
            Split(RevisionKey(metadata["namespace"], target["revisionName"]), int(target.get("percent") or 0))
            for target in targets
        ]
        self._table.publish(owner, context.behaviour.routed_hosts(hosts), splits)
