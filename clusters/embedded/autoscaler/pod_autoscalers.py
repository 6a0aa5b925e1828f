"""PodAutoscalers of the KPA class: parameters in, replicas, ServerlessService and status out
(Knative pkg/reconciler/autoscaling/kpa)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from clusters.embedded.autoscaler.scaling_loop import ReadyPod, Scaling
from clusters.embedded.controller_runtime.controller_context import KNATIVE_NAMESPACE, ControllerContext
from clusters.embedded.controller_runtime.controller_manager import Watched, itself, labelled
from clusters.embedded.dataplane.revision import ActivatorStat, PodStat, RevisionKey
from clusters.embedded.dataplane.task_owner import TaskOwner
from clusters.embedded.knative.knative_names import REVISION
from clusters.embedded.objects.metadata import (
    Object,
    ObjectKey,
    annotations_of,
    editable,
    is_terminating,
    labels,
    owner_references,
    parse_timestamp,
)
from clusters.embedded.objects.status_conditions import StatusCondition, condition_of, is_true, summary
from conformance.kube.resources import CONFIG_MAPS, DEPLOYMENTS, POD_AUTOSCALERS, PODS, SERVERLESS_SERVICES
from conformance.model.activation import Activation, Status
from conformance.model.keys import KPA_CLASS
from conformance.model.kpa import Reconciliation
from conformance.model.parameters import Parameters
from conformance.model.resolve import resolve, resolve_class

READY_MESSAGES: Final = {
    "NoTraffic": "The target is not receiving traffic.",
    "Queued": "Requests to the target are being buffered as resources are provisioned.",
    "TimedOut": "The target could not be activated.",
}


class PodAutoscalers:
    """Reconciles PodAutoscalers of the KPA class."""

    name = "autoscaler"

    def __init__(
        self,
        context: ControllerContext,
        owner: TaskOwner,
        rng: random.Random,
        read: Callable[[RevisionKey, str], PodStat | None],
        poke: Callable[[ObjectKey], None],
    ) -> None:
        """`read` scrapes a pod; `poke` makes this controller look at a revision again."""
        self._context = context
        self._owner = owner
        self._rng = rng
        self._read = read
        self._poke = poke
        self._scalings: dict[ObjectKey, Scaling] = {}
        self._loops: dict[ObjectKey, list[asyncio.Task[None]]] = {}
        self.watches: Sequence[Watched] = (
            Watched(POD_AUTOSCALERS),
            Watched(DEPLOYMENTS, labelled(REVISION)),
            Watched(PODS, labelled(REVISION)),
            Watched(SERVERLESS_SERVICES, itself),
            Watched(CONFIG_MAPS, self._all),
        )

    def _all(self, value: Object) -> Iterable[ObjectKey]:
        """A change of the settings concerns every revision."""
        metadata = value["metadata"]
        if (metadata["namespace"], metadata["name"]) == (KNATIVE_NAMESPACE, "config-autoscaler"):
            yield from self._scalings

    def take(self, stat: ActivatorStat) -> None:
        """A report of an activator."""
        scaling = self._scalings.get(ObjectKey(*stat.revision))
        if scaling is not None:
            scaling.take(stat)

    def scaling(self, key: ObjectKey) -> Scaling | None:
        """A revision's autoscaler, for those who want to look."""
        return self._scalings.get(key)

    def panicking(self, revision: RevisionKey) -> bool:
        """Whether a revision is in panic."""
        scaling = self._scalings.get(ObjectKey(*revision))
        return scaling is not None and scaling.panicking

    def reconcile(self, key: ObjectKey) -> float | None:
        context = self._context
        autoscaler = context.peek(POD_AUTOSCALERS, *key)
        if autoscaler is None or is_terminating(autoscaler):
            self._forget(key)
            return None
        config = context.autoscaler_config()
        notes = annotations_of(autoscaler)
        if resolve_class(config, notes) != KPA_CLASS:
            self._forget(key)
            return None
        deployment = context.peek(DEPLOYMENTS, key.namespace, autoscaler["spec"]["scaleTargetRef"]["name"])
        if deployment is None:
            return None
        parameters = context.behaviour.parameters(
            resolve(
                config,
                context.behaviour.scaling_annotations(notes),
                int(autoscaler["spec"].get("containerConcurrency") or 0),
                autoscaler["spec"].get("reachability") or "",
            )
        )
        pods = self._ready_pods(key)
        scaling = self._scaling(key, autoscaler, parameters, len(pods))
        scaling.pods = pods
        service = context.peek(SERVERLESS_SERVICES, *key)
        replicas = deployment["spec"].get("replicas", 1)
        found = scaling.reconcile(replicas, _proxying_since(service))
        if found.replicas is not None:
            scaled = editable(deployment)
            scaled["spec"]["replicas"] = found.replicas
            context.store.update(DEPLOYMENTS, scaled)
        self._ensure_service(autoscaler, found)
        self._tell(autoscaler, found, len(pods), service)
        return found.requeue_seconds if found.requeue_seconds is not None else (1.0 if found.probe else None)

    def _scaling(self, key: ObjectKey, autoscaler: Object, parameters: Parameters, ready: int) -> Scaling:
        scaling = self._scalings.get(key)
        if scaling is None:
            entry = condition_of(autoscaler, "Active")
            activation = None
            if entry is not None:
                since = parse_timestamp(entry["lastTransitionTime"])
                activation = Activation(Status(entry["status"]), entry.get("reason", ""), since)
            scaling = Scaling(
                RevisionKey(*key),
                parameters,
                self._context.clock,
                self._rng,
                self._context.behaviour,
                self._read,
                lambda revision: self._poke(ObjectKey(*revision)),
                ready=ready,
                activation=activation,
                initialized=is_true(autoscaler, "ScaleTargetInitialized"),
            )
            self._scalings[key] = scaling
            loops = (scaling.tick_forever(), scaling.scrape_forever())
            self._loops[key] = [self._owner.start(loop) for loop in loops]
        scaling.update(parameters)
        return scaling

    def _forget(self, key: ObjectKey) -> None:
        self._scalings.pop(key, None)
        for task in self._loops.pop(key, ()):
            task.cancel()

    def _ready_pods(self, key: ObjectKey) -> tuple[ReadyPod, ...]:
        """Ready, running, not going; by name."""
        found = []
        for (namespace, name), pod in self._context.store.objects(("", "pods")).items():
            if namespace != key.namespace or labels(pod).get(REVISION) != key.name or is_terminating(pod):
                continue
            if is_true(pod, "Ready"):
                found.append(ReadyPod(name, parse_timestamp(pod["status"]["startTime"])))
        return tuple(sorted(found, key=lambda pod: pod.name))

    def _ensure_service(self, autoscaler: Object, found: Reconciliation) -> None:
        metadata = autoscaler["metadata"]
        self._context.ensure(
            SERVERLESS_SERVICES,
            {
                "apiVersion": SERVERLESS_SERVICES.api_version,
                "kind": SERVERLESS_SERVICES.kind,
                "metadata": {
                    "name": metadata["name"],
                    "namespace": metadata["namespace"],
                    "labels": dict(labels(autoscaler)),
                    "ownerReferences": owner_references(autoscaler),
                },
                "spec": {
                    "mode": found.mode.value,
                    "numActivators": found.activators,
                    "protocolType": "http1",
                    "objectRef": dict(autoscaler["spec"]["scaleTargetRef"]),
                },
            },
        )

    def _tell(self, autoscaler: Object, found: Reconciliation, ready: int, service: Object | None) -> None:
        name = autoscaler["metadata"]["name"]
        activation = found.activation
        active = StatusCondition(
            "Active", activation.status.value, activation.reason, READY_MESSAGES.get(activation.reason, "")
        )
        scaled = StatusCondition("ScaleTargetInitialized", "True" if found.initialized else "Unknown")
        backed = is_true(service, "Ready")
        reason, text = ("", "") if backed else ("NotReady", "K8s Service is not ready")
        parts = [active, scaled, StatusCondition("SKSReady", "True" if backed else "Unknown", reason, text)]
        before = (autoscaler.get("status") or {}).get("desiredScale")
        # A want not yet known leaves what was published (KPA reconciler's computeStatus).
        want = found.want if found.want >= 0 or before is None else before
        fields: Object = {
            "desiredScale": want,
            "actualScale": ready,
            "serviceName": name,
            "metricsServiceName": f"{name}-private",
        }
        self._context.set_conditions(POD_AUTOSCALERS, autoscaler, [*parts, summary("Ready", parts)], fields)


def _proxying_since(service: Object | None) -> float | None:
    entry = condition_of(service, "ActivatorEndpointsPopulated")
    if entry is None or entry["status"] != "True":
        return None
    return parse_timestamp(entry["lastTransitionTime"])
