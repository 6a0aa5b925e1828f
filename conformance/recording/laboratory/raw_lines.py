"""Lines and objects of a raw laboratory recording, one shape each; docs/recording.md has them as a table.

All times are Unix seconds of one machine's clock. Keys that no field has are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.recording.shape import Json, JsonObject, Shape, key
from conformance.recording.units import Pods, Seconds, UnixSeconds


@dataclass(frozen=True, slots=True)
class RawStep(Shape):
    """A step of the recording program, in `events` of config.json."""

    t: UnixSeconds
    ev: str
    """apply, ksvc-ready, load-start, load-end, quiet, end; others are ignored."""


@dataclass(frozen=True, slots=True)
class RawConfig(Shape):
    """config.json."""

    events: tuple[RawStep, ...]
    config_autoscaler: JsonObject = field(default_factory=dict, metadata=key("configAutoscaler"))
    """Data of the ConfigMap config-autoscaler; empty: all defaults."""
    annotations: str | None = None
    """`key: value;key: value` of autoscaling, without prefix; used where manifest.yaml is missing."""
    container_concurrency: str = field(default="0", metadata=key("containerConcurrency"))
    """Used where manifest.yaml is missing."""
    env: str = ""
    """`SERVICE_TIME_MS=.. START_DELAY_S=..` of the model."""
    load: Json = None
    """Load commands in order, `sleep N` among them; the N-th (from 0) wrote requestsN.csv, the first requests.csv."""
    settle: Seconds = 0.0
    """From Ready to the first load."""
    limits: str = ""
    """`resource: "amount"` of accelerators that a pod asks for."""
    note: str = ""
    """Free text; `resource=amount` in it is what the node was given."""


@dataclass(frozen=True, slots=True)
class RawPod(Shape):
    """A line of pods.jsonl: a change of one pod."""

    t: UnixSeconds
    ev: str = ""
    """ADD, MOD, DEL; TICK lines name no pod."""
    pod: str = ""
    """Name; it holds the revision's."""
    detail: str = ""
    """`Phase[,Terminating][,Ready=True|False]`."""


@dataclass(frozen=True, slots=True)
class RawScaling(Shape):
    """A line of pa.jsonl: a PodAutoscaler, ServerlessService (SKS) or Deployment after a change."""

    t: UnixSeconds
    ev: str = ""
    """ADD, MOD, DEL."""
    kind: str = ""
    """PodAutoscaler, SKS or Deployment; others are ignored."""
    name: str = ""
    desired: Pods | None = None
    """`status.desiredScale` of a PodAutoscaler, -1 or null while it is not known."""
    actual: Pods | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    """`Status Reason` by type."""
    mode: str = ""
    """Proxy or Serve, of an SKS."""
    activators: int | None = field(default=None, metadata=key("numActivators"))
    replicas: Pods | None = field(default=None, metadata=key("specReplicas"))
    """Of a Deployment."""
    ready: Pods = field(default=0, metadata=key("readyReplicas"))


@dataclass(frozen=True, slots=True)
class RawCondition(Shape):
    """A condition of a pod in events.jsonl, as Kubernetes has it."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    since: str | None = field(default=None, metadata=key("lastTransitionTime"))


@dataclass(frozen=True, slots=True)
class RawWatched(Shape):
    """A line of events.jsonl: a pod (`src` pod) or a Kubernetes Event (`src` event)."""

    t: UnixSeconds
    src: str = ""
    name: str = ""
    node: str = ""
    conditions: tuple[RawCondition, ...] = ()
    kind: str = ""
    """Kind of the object that an Event is about."""
    reason: str = ""
    message: str = ""
    level: str = ""
    """Normal or Warning."""
    count: int = 1
    event_time: str | None = field(default=None, metadata=key("eventTime"))


@dataclass(frozen=True, slots=True)
class RawTick(Shape):
    """A line of autoscaler.jsonl: what the autoscaler logged at a tick."""

    t: UnixSeconds
    stable: float | None = field(default=None, metadata=key("stableValue"))
    """Mean over the stable window: requests in flight, or a second."""
    panic: float | None = field(default=None, metadata=key("panicValue"))
    """Mean over the panic window."""
    desired: Pods | None = None
    """The decision before the bounds."""
    excess_burst_capacity: float | None = field(default=None, metadata=key("excessBC"))
    panicking: bool = field(default=False, metadata=key("panicMode"))


SHAPES = (RawConfig, RawStep, RawPod, RawScaling, RawWatched, RawCondition, RawTick)
"""In the order of the page."""
