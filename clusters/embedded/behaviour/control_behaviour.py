"""The decisions of the control plane that a platform could get wrong, one method each, here as they should be.

Like `DataBehaviour`: the parts ask and obey. The autoscaler's decisions come from `conformance.model`; what it decided
passes through here unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.objects.capacity import Amounts
from conformance.base.clock import Clock
from conformance.base.http.exchange import Handler
from conformance.model.collector import Observation, Stat
from conformance.model.config import AutoscalerConfig
from conformance.model.decider import Decider, Decision
from conformance.model.horizontal_autoscaler import HorizontalDecision, HorizontalSpec, Workload
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters
from conformance.model.replica_calculation import HorizontalSettings

Object = dict[str, Any]
Told = tuple[str, str, str, str]
"""A condition: type, status, reason, message."""
Memory = dict[str, float]
"""What a fault keeps about one revision."""


class PlatformState(Protocol):
    """What is going on, for faults that depend on it."""

    def panicking(self, revision: RevisionKey) -> bool:
        """Whether a revision is in panic."""

    def pending(self, revision: RevisionKey) -> int:
        """Pods of a revision that have no node."""

    def revision_at(self, address: str) -> RevisionKey | None:
        """The revision whose pod is at an address of a queue-proxy."""


class ControlBehaviour:
    """Decisions of controllers, autoscaler and nodes."""

    def attach(self, state: PlatformState) -> None:
        """Lets a fault see what an honest platform's parts do not know of each other."""
        del state

    # KServe

    def received(self, service: Object, old: Object | None, mode: str, now: str) -> Object:
        """An InferenceService as it comes in, before defaults and validation; `old` is what is stored."""
        del old, mode, now
        return service

    def refuses(self, message: str) -> bool:
        """Whether an InferenceService with this complaint is refused."""
        del message
        return True

    def component_name(self, name: str, component: str) -> str:
        """Name of a component's Knative Service, given what it should be."""
        del component
        return name

    def stops(self, service: Object, stopped: bool) -> bool:
        """Whether the stop annotation is followed."""
        del service
        return stopped

    def component(self, service: Object, component: str) -> Object:
        """The part of an InferenceService that decides how a component scales."""
        part: Object = service["spec"][component]
        return part

    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        """Annotations of a component's revision template, given what they should be."""
        del service, component
        return dict(annotations)

    def knative_service(self, service: Object, wanted: Object, existing: Object | None) -> Object:
        """A component's Knative Service, given what it should be and what there is."""
        del service, existing
        return wanted

    def horizontal_autoscaler(self, service: Object, wanted: Object) -> Object:
        """A component's HorizontalPodAutoscaler in Standard mode, given what it should be."""
        del service
        return wanted

    def reports_ready(self, service: Object, pods: int) -> bool:
        """Whether a service that is ready, with this many ready pods of its predictor, is called so."""
        del service, pods
        return True

    # Knative

    def complaints(self, found: list[str]) -> list[str]:
        """Complaints of Knative's webhook that are heeded."""
        return found

    def routed_hosts(self, hosts: Sequence[str]) -> Sequence[str]:
        """The hosts that the ingress knows of a route."""
        return hosts

    def keeps_old_revision(self, revision: Object) -> bool:
        """Whether a revision without traffic counts as one with traffic."""
        del revision
        return False

    def revision_deployment(self, revision: Object, deployment: Object) -> Object:
        """The Deployment of a revision, given what it should be."""
        del revision
        return deployment

    def reachability(self, revision: Object, newest: bool, reachability: str) -> str:
        """Whether a revision counts as reachable, given what is true."""
        del revision, newest
        return reachability

    # Autoscaler

    def autoscaler_settings(self, config: AutoscalerConfig) -> AutoscalerConfig:
        """config-autoscaler as autoscaler, controllers and webhooks go by it."""
        return config

    def autoscaler_clock(self, clock: Clock) -> Clock:
        """The clock that the autoscaler goes by."""
        return clock

    def decider(self) -> type[Decider]:
        """What decides how many pods a revision needs."""
        return Decider

    def deciding(self, key: RevisionKey, kpa: Kpa, ready: int, now: float, memory: Memory) -> None:
        """What befalls a revision's autoscaler between two decisions, such as a restart."""
        del key, kpa, ready, now, memory

    def scaling_annotations(self, annotations: Mapping[str, str]) -> Mapping[str, str]:
        """The annotations that the autoscaler reads."""
        return annotations

    def parameters(self, parameters: Parameters) -> Parameters:
        """What a revision is scaled by."""
        return parameters

    def measured(self, stat: Stat) -> Stat:
        """A report as the autoscaler takes it."""
        return stat

    def desired(
        self,
        key: RevisionKey,
        decision: Decision,
        observed: Observation | None,
        parameters: Parameters,
        ready: int,
        now: float,
        memory: Memory,
    ) -> int:
        """The desired count of a valid decision."""
        del key, observed, parameters, ready, now, memory
        return decision.desired

    def reconciled(
        self, key: RevisionKey, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        """What is made true of a decision."""
        del key, kpa, replicas, now, memory
        return found

    # Kubernetes' HorizontalPodAutoscaler

    def horizontal_settings(self, settings: HorizontalSettings) -> HorizontalSettings:
        """The controller's own settings."""
        return settings

    def horizontal_spec(self, spec: HorizontalSpec) -> HorizontalSpec:
        """What an autoscaler goes by, given what its object says."""
        return spec

    def horizontal_view(self, seen: Workload) -> Workload:
        """Pods and metrics as the autoscaler takes them."""
        return seen

    def horizontal_replicas(self, autoscaler: Object, replicas: int, decision: HorizontalDecision) -> int:
        """The count that a decision leads to."""
        del autoscaler, replicas
        return decision.replicas

    def horizontal_conditions(self, found: list[Told]) -> list[Told]:
        """(type, status, reason, message) of each condition that an autoscaler tells."""
        return found

    def serves_metrics(self, now: float) -> bool:
        """Whether the metrics API answers, at a time in Unix seconds."""
        del now
        return True

    # Nodes and endpoints

    def keeps_terminating_endpoint(self) -> bool:
        """Whether requests are still sent to pods that are terminating."""
        return False

    def removed_first(self, ranked: Sequence[Object]) -> Sequence[Object]:
        """The order in which a scaled-down ReplicaSet gives up pods."""
        return ranked

    def scheduled_amounts(self, pod: Object, asked: Amounts) -> Amounts:
        """What the scheduler reserves for a pod."""
        del pod
        return asked

    def lingering_seconds(self) -> float:
        """How long a pod that has drained stays Terminating beyond what a node takes."""
        return 0.0

    def model_clock(self, clock: Clock) -> Clock:
        """The clock that a pod's model server goes by."""
        return clock

    def model_handler(self, pod: str, handler: Handler) -> Handler:
        """What listens at a pod's serving port."""
        del pod
        return handler
