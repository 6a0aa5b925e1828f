"""Knative Services: a Configuration and a Route of the same name, and what these say about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clusters.embedded.api.json_values import copied
from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, owner_of
from clusters.embedded.knative.knative_names import SERVICE, SERVICE_UID, VISIBILITY
from clusters.embedded.objects.metadata import Object, ObjectKey, is_terminating, labels, owner_references
from clusters.embedded.objects.status_conditions import StatusCondition, condition_of, condition_status, summary
from conformance.kube.resources import CONFIGURATIONS, KNATIVE_SERVICES, ROUTES

PASSED_UP: Final = ("latestCreatedRevisionName", "latestReadyRevisionName")


class KnativeServices:
    """Reconciles Knative Services."""

    name = "service-controller"
    watches: Sequence[Watched] = (
        Watched(KNATIVE_SERVICES),
        Watched(CONFIGURATIONS, owner_of("Service")),
        Watched(ROUTES, owner_of("Service")),
    )

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        service = context.peek(KNATIVE_SERVICES, *key)
        if service is None or is_terminating(service):
            return None
        configuration, new = context.ensure(CONFIGURATIONS, self._configuration(service))
        if new:
            context.event(service, "Created", f'Created Configuration "{key.name}"', self.name)
        route, new = context.ensure(ROUTES, self._route(service))
        if new:
            context.event(service, "Created", f'Created Route "{key.name}"', self.name)
        self._tell(service, configuration, route)
        return None

    def _metadata(self, service: Object) -> Object:
        metadata = service["metadata"]
        own = dict(labels(service))
        return {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": {**own, SERVICE: metadata["name"], SERVICE_UID: metadata["uid"]},
            "annotations": dict(metadata.get("annotations") or {}),
            "ownerReferences": owner_references(service),
        }

    def _configuration(self, service: Object) -> Object:
        metadata = self._metadata(service)
        metadata["labels"].pop(VISIBILITY, None)
        return {
            "apiVersion": CONFIGURATIONS.api_version,
            "kind": CONFIGURATIONS.kind,
            "metadata": metadata,
            "spec": {"template": copied(service["spec"]["template"])},
        }

    def _route(self, service: Object) -> Object:
        traffic = copied(service["spec"].get("traffic") or [{"latestRevision": True, "percent": 100}])
        for target in traffic:
            if target.get("latestRevision") or not target.get("revisionName"):
                target["configurationName"] = service["metadata"]["name"]
        return {
            "apiVersion": ROUTES.api_version,
            "kind": ROUTES.kind,
            "metadata": self._metadata(service),
            "spec": {"traffic": traffic},
        }

    def _tell(self, service: Object, configuration: Object, route: Object) -> None:
        parts = [
            _copied(configuration, "ConfigurationsReady"),
            _copied(route, "RoutesReady"),
        ]
        below, route_status = configuration.get("status") or {}, route.get("status") or {}
        fields: Object = {name: below[name] for name in PASSED_UP if name in below}
        for name in ("url", "address", "traffic"):
            if name in route_status:
                fields[name] = route_status[name]
        self._context.set_conditions(KNATIVE_SERVICES, service, [*parts, summary("Ready", parts)], fields)


def _copied(value: Object, kind: str) -> StatusCondition:
    """Another object's Ready under a name of one's own; Unknown until it looked at its present generation."""
    observed = (value.get("status") or {}).get("observedGeneration")
    if observed != value["metadata"].get("generation", observed):
        return StatusCondition(kind, "Unknown", "OutOfDate", "the object is not up to date")
    entry = condition_of(value, "Ready") or {}
    return StatusCondition(kind, condition_status(value, "Ready"), entry.get("reason", ""), entry.get("message", ""))
