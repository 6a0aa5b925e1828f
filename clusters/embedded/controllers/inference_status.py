"""An InferenceService's status: conditions, urls, components, modelStatus
(pkg/apis/serving/v1beta1/inference_service_status.go)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.kserve.kserve_names import (
    COMPONENT,
    INFERENCE_SERVICE,
    PREDICTOR,
    STANDARD,
    TRANSFORMER,
    component_name,
)
from clusters.embedded.kserve.kserve_settings import KserveSettings
from clusters.embedded.kserve.runtimes import ChosenRuntime
from clusters.embedded.objects.metadata import Object
from clusters.embedded.objects.status_conditions import (
    StatusCondition,
    condition_of,
    condition_status,
    is_true,
    merge,
    summary,
)
from conformance.kube.resources import INFERENCE_SERVICES, PODS

PREFIXES: Final = {PREDICTOR: "Predictor", TRANSFORMER: "Transformer", "explainer": "Explainer"}


class InferenceStatus:
    """Gathers what a reconciliation found and writes it once."""

    def __init__(self, context: ControllerContext, service: Object, mode: str, settings: KserveSettings) -> None:
        self._context = context
        self._service = service
        self._mode = mode
        self._settings = settings
        self._old: Object = service.get("status") or {}
        self._conditions: list[StatusCondition] = []
        self._components: dict[str, Object] = {}
        self._runtime: ChosenRuntime | None = None
        self._failure: Object | None = None
        self._urls: dict[str, str] = {}
        self._latest: list[StatusCondition] = []
        self._routes: list[StatusCondition] = []

    def before(self, component: str) -> Object:
        """A component's status as it stands."""
        found: Object = (self._old.get("components") or {}).get(component) or {}
        return found

    def chosen(self, runtime: ChosenRuntime | None) -> None:
        """The predictor's runtime."""
        self._runtime = runtime

    def no_runtime(self, component: str, reason: str, message: str) -> None:
        """No runtime serves the model."""
        self._failure = {"reason": reason, "message": message}
        self._conditions.append(StatusCondition(f"{PREFIXES[component]}Ready", "False", reason, message))

    def failed(self, component: str, message: str) -> None:
        """A component could not be brought about."""
        self._conditions.append(StatusCondition(f"{PREFIXES[component]}Ready", "False", "ReconcileFailed", message))

    def component(self, component: str, found: Object | None, *, stopped: bool = False) -> None:
        """A component's Knative Service; None when there is none."""
        prefix = PREFIXES[component]
        if stopped:
            self._conditions.append(StatusCondition(f"{prefix}Ready", "False", "Stopped"))
            return
        value: Object = dict(self.before(component))
        status = (found or {}).get("status") or {}
        current = status.get("observedGeneration") == (found or {}).get("metadata", {}).get("generation")
        for field, source in (
            ("latestCreatedRevision", "latestCreatedRevisionName"),
            ("latestReadyRevision", "latestReadyRevisionName"),
        ):
            if source in status:
                value[field] = status[source]
        for field in ("traffic", "url", "address"):
            if field in status:
                value[field] = status[field]
        self._roll_out(value, status)
        self._components[component] = value
        self._conditions.append(self._copied(found, "Ready", f"{prefix}Ready", current=current))
        routes = self._copied(found, "RoutesReady", f"{prefix}RouteReady", current=current)
        configuration = self._copied(found, "ConfigurationsReady", f"{prefix}ConfigurationReady", current=current)
        self._conditions += [routes, configuration]
        self._routes.append(routes)
        self._latest.append(configuration)
        if "url" in status:
            self._urls[component] = status["url"]

    def _roll_out(self, value: Object, status: Object) -> None:
        """The revision that has all traffic is rolled out; the one before it is remembered."""
        ready = status.get("latestReadyRevisionName")
        for target in status.get("traffic") or ():
            full = target.get("latestRevision") and target.get("percent") == 100
            if full and target.get("revisionName") == ready and ready != value.get("latestRolledoutRevision"):
                if value.get("latestRolledoutRevision"):
                    value["previousRolledoutRevision"] = value["latestRolledoutRevision"]
                value["latestRolledoutRevision"] = ready

    def _copied(self, found: Object | None, kind: str, name: str, *, current: bool) -> StatusCondition:
        entry = condition_of(found, kind) or {}
        if found is not None and not current:
            return StatusCondition(name, "Unknown")
        return StatusCondition(name, entry.get("status", "Unknown"), entry.get("reason", ""), entry.get("message", ""))

    def standard(self, component: str, found: Object | None, name: str) -> None:
        """A component's Deployment."""
        prefix, namespace = PREFIXES[component], self._service["metadata"]["namespace"]
        host = f"{name}.{namespace}.svc.cluster.local"
        if found is None:
            self._conditions.append(StatusCondition(f"{prefix}Ready", "False", "Stopped"))
            return
        available = condition_status(found, "Available")
        entry = condition_of(found, "Available") or {}
        reason, text = entry.get("reason", ""), entry.get("message", "")
        if available == "True":
            reason = text = ""
        self._components[component] = {"url": f"http://{host}", "address": {"url": f"http://{host}"}}
        self._conditions.append(StatusCondition(f"{prefix}Ready", available, reason, text))

    def write(self, *, stopped: bool) -> bool:
        """Write the status; says whether the service became ready by it."""
        context, service = self._context, self._service
        conditions = list(self._conditions)
        prefixes = [PREFIXES[name] for name in PREFIXES if service["spec"].get(name) is not None]
        parts = [c for c in conditions if c.type in {f"{prefix}Ready" for prefix in prefixes}]
        url, address = (None, None) if stopped else self._published()
        ingress = StatusCondition("IngressReady", "True" if url else "Unknown")
        if stopped:
            ingress = StatusCondition("IngressReady", "False", "Stopped")
        elif not url:
            ingress = StatusCondition("IngressReady", "Unknown", "Predictor ingress not created")
        ready = summary("Ready", [*parts, ingress])
        if ready.status == "True" and not context.behaviour.reports_ready(service, self._copies()):
            ready = StatusCondition("Ready", "Unknown")
        conditions += [ingress, ready, StatusCondition("Stopped", "True" if stopped else "False")]
        if self._mode != STANDARD and self._routes:
            conditions.append(_all_true("RoutesReady", self._routes))
            conditions.append(_all_true("LatestDeploymentReady", self._latest))
        status: Object = {
            "observedGeneration": service["metadata"].get("generation", 1),
            "deploymentMode": self._mode,
            "components": self._components,
            "conditions": merge(service, conditions, context.now()),
        }
        if url:
            status |= {"url": url, "address": {"url": address}}
        if self._runtime is not None:
            status["clusterServingRuntimeName" if self._runtime.cluster else "servingRuntimeName"] = self._runtime.name
        model = self._model_status(ready.status == "True")
        if model:
            status["modelStatus"] = model
        was_ready = is_true(service, "Ready")
        context.set_status(INFERENCE_SERVICES, service, status)
        return ready.status == "True" and not was_ready

    def _published(self) -> tuple[str | None, str | None]:
        """(outside url, inside url) once every component's host is known."""
        context, settings, metadata = self._context, self._settings, self._service["metadata"]
        name, namespace = metadata["name"], metadata["namespace"]
        entry = TRANSFORMER if self._service["spec"].get(TRANSFORMER) else PREDICTOR
        if self._mode == STANDARD:
            ready = all(c.status == "True" for c in self._conditions if c.type.endswith("Ready"))
            if not self._components or not ready:
                return None, None
            host = standard_host(name, namespace, settings)
            inside = f"{component_name(name, entry)}.{namespace}.svc.cluster.local"
            return f"{settings.url_scheme}://{host}", f"http://{inside}"
        if entry not in self._urls or PREDICTOR not in self._urls:
            return None, None
        if any(c.status != "True" for c in self._conditions if c.type.endswith(("Ready",)) and "Route" in c.type):
            return None, None
        host = urlsplit(self._urls[entry]).netloc
        own = context.behaviour.component_name(component_name(name, entry, self._service["spec"][entry]), entry)
        if not settings.virtual_host:
            return f"http://{host}", f"http://{own}.{namespace}.svc.cluster.local"
        host = host.replace(own, name, 1)
        return f"http://{host}", f"http://{name}.{namespace}.svc.cluster.local"

    def _model_status(self, ready: bool) -> Object:
        """What is said of the model itself. At zero pods it reads Pending, as in KServe; nobody should gate on it."""
        if self._service["spec"][PREDICTOR].get("model") is None:
            return {}
        if self._failure is not None:
            return {
                "states": {"activeModelState": "", "targetModelState": "FailedToLoad"},
                "transitionStatus": "InvalidSpec",
                "lastFailureInfo": self._failure,
            }
        copies = self._copies()
        loaded = ready and copies > 0
        value: Object = {
            "copies": {"failedCopies": 0, "totalCopies": copies},
            "states": {
                "activeModelState": "Loaded" if loaded else "",
                "targetModelState": "Loaded" if loaded else "Pending",
            },
            "transitionStatus": "UpToDate" if loaded else "InProgress",
        }
        return value

    def _copies(self) -> int:
        """Ready pods of the predictor."""
        metadata = self._service["metadata"]
        labels = {INFERENCE_SERVICE: metadata["name"], COMPONENT: PREDICTOR}
        return sum(1 for pod in self._context.view(PODS, metadata["namespace"], labels) if is_true(pod, "Ready"))


def _all_true(kind: str, parts: list[StatusCondition]) -> StatusCondition:
    found = summary(kind, parts)
    return StatusCondition(kind, found.status, found.reason, found.message)


def standard_host(name: str, namespace: str, settings: KserveSettings) -> str:
    """Host of a service in Standard mode, from the domain template."""
    text = settings.domain_template
    for field, value in (("Name", name), ("Namespace", namespace), ("IngressDomain", settings.ingress_domain)):
        for form in (f"{{{{ .{field} }}}}", f"{{{{.{field}}}}}"):
            text = text.replace(form, value)
    return text
