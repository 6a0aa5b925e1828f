"""PodAutoscalers of the HPA class: a HorizontalPodAutoscaler of the same name does the work
(Knative pkg/reconciler/autoscaling/hpa). Pods serve directly, nothing scales to zero."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.embedded.controller_runtime.controller_context import ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, itself, labelled
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.objects.metadata import (
    Object,
    ObjectKey,
    annotations_of,
    is_terminating,
    labels,
    owner_references,
)
from clusters.embedded.objects.status_conditions import StatusCondition, is_true, summary
from conformance.kube.resources import AUTOSCALERS, DEPLOYMENTS, POD_AUTOSCALERS, SERVERLESS_SERVICES
from conformance.model.hpa import hpa_spec
from conformance.model.keys import HPA_CLASS
from conformance.model.resolve import resolve_class


class HpaClass:
    """Reconciles PodAutoscalers of the HPA class."""

    name = "hpa-class"
    watches: Sequence[Watched] = (
        Watched(POD_AUTOSCALERS),
        Watched(AUTOSCALERS, itself),
        Watched(DEPLOYMENTS, labelled(REVISION)),
        Watched(SERVERLESS_SERVICES, itself),
    )

    def __init__(self, context: ControllerContext) -> None:
        self._context = context

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        autoscaler = context.peek(POD_AUTOSCALERS, *key)
        if autoscaler is None or is_terminating(autoscaler):
            return None
        config = context.autoscaler_config()
        notes = annotations_of(autoscaler)
        if resolve_class(config, notes) != HPA_CLASS:
            return None
        metadata = {
            "name": key.name,
            "namespace": key.namespace,
            "labels": dict(labels(autoscaler)),
            "ownerReferences": owner_references(autoscaler),
        }
        target = dict(autoscaler["spec"]["scaleTargetRef"])
        reachability = autoscaler["spec"].get("reachability") or ""
        spec = {**hpa_spec(notes, config, reachability), "scaleTargetRef": target}
        context.ensure(
            AUTOSCALERS,
            {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec},
        )
        service = {"mode": "Serve", "numActivators": 0, "protocolType": "http1", "objectRef": target}
        context.ensure(
            SERVERLESS_SERVICES,
            {
                "apiVersion": SERVERLESS_SERVICES.api_version,
                "kind": SERVERLESS_SERVICES.kind,
                "metadata": metadata,
                "spec": service,
            },
        )
        self._tell(key, autoscaler, target["name"])
        return None

    def _tell(self, key: ObjectKey, autoscaler: Object, deployment: str) -> None:
        context = self._context
        found = context.peek(DEPLOYMENTS, key.namespace, deployment)
        ready = ((found or {}).get("status") or {}).get("readyReplicas", 0)
        scaled = ready > 0 or is_true(autoscaler, "ScaleTargetInitialized")
        backed = is_true(context.peek(SERVERLESS_SERVICES, *key), "Ready")
        parts = [
            StatusCondition("Active", "True"),
            StatusCondition("ScaleTargetInitialized", "True" if scaled else "Unknown"),
            StatusCondition("SKSReady", "True" if backed else "Unknown"),
        ]
        fields: Object = {
            "desiredScale": ((found or {}).get("spec") or {}).get("replicas", 1),
            "actualScale": ready,
            "serviceName": key.name,
            "metricsServiceName": f"{key.name}-private",
        }
        context.set_conditions(POD_AUTOSCALERS, autoscaler, [*parts, summary("Ready", parts)], fields)
