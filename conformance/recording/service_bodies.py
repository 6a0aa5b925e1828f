"""Bodies of facts about the objects that serve and scale: KServe's, Knative's, Deployments and HPAs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

from conformance.recording.body import PREDICTOR, ObjectBody
from conformance.recording.fact_kind import FactKind
from conformance.recording.pod_bodies import Condition
from conformance.recording.shape import LEFT_OUT, JsonObject, Shape
from conformance.recording.units import Pods, Seconds


class Status(NamedTuple):
    """One condition without its time: `[status, reason]`."""

    status: str = ""
    """True, False or Unknown."""
    reason: str = ""


NOT_KNOWN: Final = Status()


class ExplainedStatus(NamedTuple):
    """One condition with its text: `[status, reason, message]`."""

    status: str = ""
    """True, False or Unknown."""
    reason: str = ""
    message: str = ""


NOT_EXPLAINED: Final = ExplainedStatus()


@dataclass(frozen=True, slots=True)
class PodAutoscalerBody(ObjectBody):
    """A Knative PodAutoscaler."""

    KIND: ClassVar[FactKind] = FactKind.POD_AUTOSCALER

    revision: str = ""
    component: str = PREDICTOR
    desired: Pods | None = None
    """`desiredScale`, within the bounds; null or -1 until it is known."""
    actual: Pods | None = None
    """`actualScale`: pods that are ready; null until it is known."""
    active: Status = NOT_KNOWN
    """Condition Active."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By type."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of autoscaling, without `autoscaling.knative.dev/`."""


@dataclass(frozen=True, slots=True)
class DeploymentBody(ObjectBody):
    """A Deployment."""

    KIND: ClassVar[FactKind] = FactKind.DEPLOYMENT

    revision: str = ""
    component: str = PREDICTOR
    replicas: Pods | None = None
    """Asked for."""
    ready: Pods = 0


@dataclass(frozen=True, slots=True)
class ContainerSpec(Shape):
    """A container as a Revision asks for it."""

    name: str = ""
    image: str = ""
    args: tuple[str, ...] = ()
    resources: JsonObject = field(default_factory=dict)
    """`requests` and `limits`, as Kubernetes has them."""


@dataclass(frozen=True, slots=True)
class RevisionBody(ObjectBody):
    """A Knative Revision."""

    KIND: ClassVar[FactKind] = FactKind.REVISION

    component: str = PREDICTOR
    ready: Status = NOT_KNOWN
    """Condition Ready."""
    container_concurrency: int | None = None
    """Requests that a pod takes at once; 0 or null: no limit."""
    timeout_seconds: Seconds | None = None
    """Within which a request has to be answered."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Those of autoscaling, without `autoscaling.knative.dev/`."""
    containers: tuple[ContainerSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner(Shape):
    """A reference from an object to its owner."""

    kind: str | None = None
    name: str | None = None
    controller: bool | None = None
    """Whether the owner manages it."""


@dataclass(frozen=True, slots=True)
class ServiceBody(ObjectBody):
    """A Knative Service."""

    KIND: ClassVar[FactKind] = FactKind.SERVICE

    component: str = PREDICTOR
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the revision template."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of the Service and its revision template."""
    owners: tuple[Owner, ...] = ()
    traffic: tuple[JsonObject, ...] = ()
    """`status.traffic`."""
    requested_traffic: tuple[JsonObject, ...] = ()
    """`spec.traffic`."""
    latest_created: str = ""
    """Name of a revision."""
    latest_ready: str = ""
    """Name of a revision."""
    ready: Status = NOT_KNOWN
    """Condition Ready."""
    url: str = ""
    spec: JsonObject = field(default_factory=dict)
    """Spec of the revision template."""


@dataclass(frozen=True, slots=True)
class InferenceServiceBody(ObjectBody):
    """A KServe InferenceService."""

    KIND: ClassVar[FactKind] = FactKind.INFERENCE_SERVICE

    generation: int | None = None
    observed: int | None = None
    """`status.observedGeneration`."""
    url: str = ""
    address: str = ""
    """Inside the cluster."""
    conditions: Mapping[str, ExplainedStatus] = field(default_factory=dict)
    """By type."""
    components: JsonObject = field(default_factory=dict)
    """`status.components`."""
    model_status: JsonObject = field(default_factory=dict)
    """`status.modelStatus`."""
    runtime: str = ""
    """Name of the serving runtime."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: JsonObject = field(default_factory=dict)

    def status_of(self, condition: str) -> str:
        """True, False or Unknown; empty where there is no such condition."""
        return self.conditions.get(condition, NOT_EXPLAINED).status


@dataclass(frozen=True, slots=True)
class RouteModeBody(ObjectBody):
    """A Knative ServerlessService: what stands between ingress and pods."""

    KIND: ClassVar[FactKind] = FactKind.ROUTE_MODE

    revision: str = ""
    mode: str = ""
    """Proxy (the activator is in the path) or Serve."""
    activators: int | None = None
    """How many activators the revision is spread over."""


@dataclass(frozen=True, slots=True)
class AutoscalerResourceBody(ObjectBody):
    """A HorizontalPodAutoscaler."""

    KIND: ClassVar[FactKind] = FactKind.AUTOSCALER_RESOURCE

    component: str = PREDICTOR
    min: Pods | None = None
    max: Pods | None = None
    metrics: tuple[JsonObject, ...] = ()
    """`spec.metrics`."""
    target: str = ""
    """Name of what it scales."""
    current: Pods | None = None
    desired: Pods | None = None
    behavior: JsonObject | None = field(default=None, metadata=LEFT_OUT)
    """`spec.behavior`."""
    current_metrics: tuple[JsonObject, ...] | None = field(default=None, metadata=LEFT_OUT)
    """`status.currentMetrics`."""
    conditions: Mapping[str, ExplainedStatus] | None = field(default=None, metadata=LEFT_OUT)
    """By type."""
