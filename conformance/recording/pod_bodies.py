"""Bodies of facts about pods, nodes and Kubernetes Events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, NamedTuple

from conformance.recording.body import PREDICTOR, Body, ObjectBody
from conformance.recording.fact_kind import FactKind
from conformance.recording.shape import LEFT_OUT, JsonObject, Shape
from conformance.recording.units import Seconds, Share, UnixSeconds

SERVING: Final = "kserve-container"
"""The container that answers: the model, or the witness in its place."""


class Condition(NamedTuple):
    """A condition of an object: `[status, reason, since]`."""

    status: str = ""
    """True, False or Unknown."""
    reason: str = ""
    since: UnixSeconds | None = None
    """When it last changed."""


@dataclass(frozen=True, slots=True)
class ContainerStatus(Shape):
    """What the kubelet says of a container."""

    name: str = ""
    ready: bool = False
    restarts: int = 0
    state: str = ""
    """waiting, running or terminated; empty while there is none."""
    reason: str = ""
    """Why it waits or ended."""
    started_wall: UnixSeconds | None = None
    finished_wall: UnixSeconds | None = None


@dataclass(frozen=True, slots=True)
class PodBody(ObjectBody):
    """A Pod as a watch reported it."""

    KIND: ClassVar[FactKind] = FactKind.POD

    uid: str = ""
    component: str = PREDICTOR
    """Label `component`: predictor, transformer or explainer."""
    revision: str = ""
    """The Knative Revision it belongs to."""
    phase: str = ""
    """Pending, Running, Succeeded, Failed or Unknown."""
    ready: bool = False
    """Condition Ready."""
    scheduled: bool = False
    """Condition PodScheduled."""
    deleting: bool = False
    """It has a deletion timestamp."""
    node: str = ""
    """A pseudonym."""
    reason: str = ""
    """Why it is not scheduled, else the reason of its status."""
    message: str = ""
    """The scheduler's message while it is not scheduled."""
    created_wall: UnixSeconds | None = None
    """By the API server's clock, cut to whole seconds."""
    deletion_wall: UnixSeconds | None = None
    """The deletion timestamp: when it has to be gone, grace included."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    """By type."""
    containers: tuple[ContainerStatus, ...] = ()
    init_containers: tuple[ContainerStatus, ...] = ()
    resources: Mapping[str, int] = field(default_factory=dict)
    """Accelerators it asks for, by resource name."""
    devices: tuple[str, ...] = ()
    """Accelerators it got, where the platform says so."""
    accelerated: tuple[str, ...] | None = field(default=None, metadata=LEFT_OUT)
    """Its containers that ask for accelerators."""
    started_wall: UnixSeconds | None = field(default=None, metadata=LEFT_OUT)
    """`status.startTime`; kept of pods in Standard mode, as is what follows."""
    asked: Mapping[str, JsonObject] | None = field(default=None, metadata=LEFT_OUT)
    """By container, `requests` and `limits` as Kubernetes has them."""


@dataclass(frozen=True, slots=True)
class NodeBody(ObjectBody):
    """A Node. No suite of today writes it."""

    KIND: ClassVar[FactKind] = FactKind.NODE

    allocatable: Mapping[str, str] = field(default_factory=dict)
    """Amounts by resource, as Kubernetes writes them."""
    ready: bool = False
    """Condition Ready."""


@dataclass(frozen=True, slots=True)
class NodeUsageBody(Body):
    """What a node was busy with, as the metrics API says it."""

    KIND: ClassVar[FactKind] = FactKind.NODE_USAGE

    node: str
    """A pseudonym."""
    cpu_share: Share
    """Of the processor time that it can give to pods."""


@dataclass(frozen=True, slots=True)
class PodUsage(Shape):
    """What the metrics API says of one pod."""

    pod: str
    at_wall: UnixSeconds
    """End of the time that it was measured over, by the cluster's clock, in whole seconds."""
    window_seconds: Seconds = 0.0
    """Length of that time."""
    containers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By container, amounts by resource, as the API writes them."""


@dataclass(frozen=True, slots=True)
class UsageBody(Body):
    """What the metrics API says of the pods of a scenario; written whenever it says something else than before."""

    KIND: ClassVar[FactKind] = FactKind.USAGE

    pods: tuple[PodUsage, ...] | None = None
    """Null while it does not answer."""
    asked_before: Seconds | None = None
    """When it was last found to say what was written before, from the recording's origin."""
    trouble: str = ""
    """Why it does not answer."""
    unseen: bool | None = field(default=None, metadata=LEFT_OUT)
    """True where it was the suite that could not ask: what an autoscaler saw meanwhile is not known."""


@dataclass(frozen=True, slots=True)
class PlatformPodBody(ObjectBody):
    """A pod of the platform itself, as a watch reported it; written when one of these fields changed."""

    KIND: ClassVar[FactKind] = FactKind.PLATFORM_POD

    namespace: str = ""
    role: str = ""
    """gateway, activator or autoscaler, which requests and decisions go through; controller for all others."""
    ready: bool = False
    """Condition Ready."""
    deleting: bool = False
    """It has a deletion timestamp."""
    restarts: int = 0
    """Of all its containers."""


@dataclass(frozen=True, slots=True)
class EventBody(Body):
    """A Kubernetes Event."""

    KIND: ClassVar[FactKind] = FactKind.EVENT

    kind: str = ""
    """Kind of the object it is about."""
    name: str = ""
    """Name of the object it is about."""
    reason: str = ""
    message: str = ""
    type: str = ""
    """Normal or Warning."""
    count: int = 1
    """How often it happened."""
    wall: UnixSeconds | None = None
    """When it happened last, by the cluster's clock."""
