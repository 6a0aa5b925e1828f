"""The decisions of the control plane that a platform could get wrong, one method each, here as they should be.

Like `DataBehaviour`: the parts ask and obey. The autoscaler's decisions come from `conformance.model`; what it decided
passes through here unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clusters.embedded.dataplane.revision import RevisionKey
from clusters.embedded.nodes.capacity import Amounts
from clusters.embedded.traffic import Backing
from conformance.exchange import Handler
from conformance.model.collector import Observation, Stat
from conformance.model.decider import Decision
from conformance.model.kpa import Kpa, Reconciliation
from conformance.model.parameters import Parameters

Object = dict[str, Any]
Memory = dict[str, float]
"""What a fault keeps about one revision."""


class ControlBehaviour:
    """Decisions of controllers, autoscaler and nodes."""

    def attach(self, panicking: Callable[[RevisionKey], bool]) -> None:
        """Lets a fault ask whether a revision is in panic. An honest platform's data plane does not know."""
        del panicking

    # KServe

    def refuses(self, message: str) -> bool:
        """Whether an InferenceService with this complaint is refused."""
        del message
        return True

    def component(self, service: Object, component: str) -> Object:
        """The part of an InferenceService that decides how a component scales."""
        part: Object = service["spec"][component]
        return part

    def template_annotations(self, service: Object, component: str, annotations: Mapping[str, str]) -> dict[str, str]:
        """Annotations of a component's revision template, given what they should be."""
        del service, component
        return dict(annotations)

    def published_host(self, host: str) -> str:
        """The host that status.url names."""
        return host

    # Knative

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

    def moves_traffic_early(self) -> bool:
        """Whether a route goes to a revision that is not ready."""
        return False

    # Autoscaler

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
        decision: Decision,
        observed: Observation | None,
        parameters: Parameters,
        ready: int,
        now: float,
        memory: Memory,
    ) -> int:
        """The desired count of a valid decision."""
        del observed, parameters, ready, now, memory
        return decision.desired

    def reconciled(
        self, found: Reconciliation, kpa: Kpa, replicas: int, now: float, memory: Memory
    ) -> Reconciliation:
        """What is made true of a decision."""
        del kpa, replicas, now, memory
        return found

    def backing(self, backing: Backing) -> Backing:
        """What stands behind a revision's public service."""
        return backing

    def keeps_terminating_endpoint(self) -> bool:
        """Whether requests are still sent to pods that are terminating."""
        return False

    # Nodes

    def removed_first(self, ranked: Sequence[Object]) -> Sequence[Object]:
        """The order in which a scaled-down ReplicaSet gives up pods."""
        return ranked

    def scheduled_amounts(self, asked: Amounts) -> Amounts:
        """What the scheduler reserves for a pod."""
        return asked

    def lingering_seconds(self) -> float:
        """How long a pod that has drained stays Terminating beyond what a node takes."""
        return 0.0

    def model_handler(self, pod: str, handler: Handler) -> Handler:
        """What listens at a pod's serving port."""
        del pod
        return handler
