"""Bodies of facts about the run itself: what was done, what was read once, and how the harness was."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple

from conformance.recording.body import Body
from conformance.recording.fact_kind import FactKind
from conformance.recording.shape import LEFT_OUT, JsonObject, key
from conformance.recording.units import Bytes, RecordingSeconds, Requests, Seconds, Share, UnixSeconds


class Edge(StrEnum):
    """Which end of a phase."""

    BEGIN = "begin"
    END = "end"


@dataclass(frozen=True, slots=True)
class PhaseBody(Body):
    """A phase of the scenario begins or ends."""

    KIND: ClassVar[FactKind] = FactKind.PHASE

    name: str
    """deploy, or the name of a step, which is its kind unless the scenario gives another."""
    edge: Edge
    """begin or end."""
    kind: str | None = field(default=None, metadata=LEFT_OUT)
    """Kind of the step: settle, load, idle, patch, zero, quiet, refuse or probe."""
    step: int | None = field(default=None, metadata=LEFT_OUT)
    """Number of the step, from 0."""
    load: int | None = field(default=None, metadata=LEFT_OUT)
    """Number of the load, as in the names of its files."""


INSTALLATION: Final = "installation"
"""Source of what the suite found in the cluster (shape: `RecordedInstallation`)."""


@dataclass(frozen=True, slots=True)
class ConfigBody(Body):
    """Configuration of the cluster, as read."""

    KIND: ClassVar[FactKind] = FactKind.CONFIG

    source: str
    """A ConfigMap (config-autoscaler, config-defaults, config-domain, inferenceservice-config), `installation`,
    `connection` or `autoscaler-pods`."""
    data: JsonObject = field(default_factory=dict)
    """A ConfigMap's data without its example; for the others what the suite found out."""
    version: str | None = field(default=None, metadata=LEFT_OUT)
    """Changes whenever the data do: the ConfigMap's resource version, a digest of the autoscaler's pods."""


class ManifestStage(StrEnum):
    """What became of a manifest."""

    APPLIED = "applied"
    ADMITTED = "admitted"
    REFUSED = "refused"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class ManifestBody(Body):
    """A manifest or patch on its way through the API server."""

    KIND: ClassVar[FactKind] = FactKind.MANIFEST

    stage: ManifestStage
    """applied (sent), admitted, refused, or ready (read again once it was Ready)."""
    name: str = ""
    """Name of the InferenceService."""
    text: str | None = field(default=None, metadata=LEFT_OUT)
    """The manifest as sent."""
    patch: JsonObject | None = field(default=None, metadata=LEFT_OUT)
    """The merge patch as sent."""
    object: JsonObject | None = field(default=None, metadata=LEFT_OUT)
    """What the API server made of it."""
    status: int | None = field(default=None, metadata=LEFT_OUT)
    """HTTP status of the refusal."""
    message: str | None = field(default=None, metadata=LEFT_OUT)
    """The API server's message with a refusal."""


@dataclass(frozen=True, slots=True)
class MetricBody(Body):
    """The autoscaler's own figures: evidence beside what is watched."""

    KIND: ClassVar[FactKind] = FactKind.METRIC

    source: str = ""
    """prometheus or autoscaler-log."""
    values: Mapping[str, float] = field(default_factory=dict)
    """By name: desired, stable, panic, panicking, excess_burst_capacity and others."""
    revision: str | None = field(default=None, metadata=LEFT_OUT)
    at: RecordingSeconds | None = field(default=None, metadata=LEFT_OUT)
    """What they stand for, where they were read later."""


class LateSecond(NamedTuple):
    """A second in which a model server did not get its share of the machine: `[wall, seconds]`."""

    wall: UnixSeconds
    """By the node's clock, cut to whole seconds."""
    seconds: Seconds
    """How late its worst timer was."""


@dataclass(frozen=True, slots=True)
class WitnessBody(Body):
    """The last account of a pod's model server of what it served; all its accounts are in `witness/` of the run."""

    KIND: ClassVar[FactKind] = FactKind.WITNESS

    pod: str
    kind: str | None = field(default=None, metadata=LEFT_OUT)
    """model, transformer or explainer."""
    wall: UnixSeconds | None = field(default=None, metadata=LEFT_OUT)
    """When it was given, by the node's clock."""
    in_flight: Requests = 0
    """In the container then."""
    high_water: Requests = 0
    """Most in the container at once until then."""
    served: Requests = 0
    """Answered until then."""
    cpu_seconds: Seconds | None = field(default=None, metadata=LEFT_OUT)
    """Processor time that requests have burnt until then."""
    held_mb: int | None = field(default=None, metadata=LEFT_OUT)
    """Memory that requests hold then, in mebibytes."""
    devices: tuple[str, ...] = ()
    """Accelerators that the container sees."""
    late: tuple[LateSecond, ...] | None = field(default=None, metadata=LEFT_OUT)
    """The seconds in which it was starved: a timer of its own came more than 0.1 s late."""


WAY: Final = "way"
"""The name of questions that measure the way to the model and back."""


@dataclass(frozen=True, slots=True)
class ProbeBody(Body):
    """One request outside any load."""

    KIND: ClassVar[FactKind] = FactKind.PROBE

    name: str = ""
    status: int = 0
    """HTTP status; 0 without an answer."""
    seconds: Seconds = 0.0
    """Until the answer."""
    text: str = ""
    """The answer's body, cut short, or what went wrong."""


@dataclass(frozen=True, slots=True)
class GapBody(Body):
    """The observer saw nothing for a while."""

    KIND: ClassVar[FactKind] = FactKind.GAP

    start: RecordingSeconds = field(metadata=key("from"))
    end: RecordingSeconds = field(metadata=key("to"))
    kind: str = ""
    """Plural of the resource that was not seen."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClockBody(Body):
    """How the cluster's clock compares with this machine's."""

    KIND: ClassVar[FactKind] = FactKind.CLOCK

    skew_seconds: Seconds
    """The cluster's clock minus this machine's, the least that explains the answer."""
    round_trip_seconds: Seconds = 0.0
    source: str = ""
    """Where the cluster's time was read."""


@dataclass(frozen=True, slots=True)
class HarnessBody(Body):
    """How the harness was, once a second."""

    KIND: ClassVar[FactKind] = FactKind.HARNESS

    loop_lag_seconds: Seconds = 0.0
    """How late its event loop woke up."""
    cpu_share: Share = 0.0
    """Of one core."""
    rss_bytes: Bytes = 0
    """Peak memory."""
    tasks: int = 0
    open_files: int = 0
    platform_lag_seconds: Seconds | None = field(default=None, metadata=LEFT_OUT)
    """How late the embedded platform's event loop woke up; only that platform tells."""


@dataclass(frozen=True, slots=True)
class NoteBody(Body):
    """Something for whoever reads the recording."""

    KIND: ClassVar[FactKind] = FactKind.NOTE

    text: str = ""
    level: str = ""
    """info or warning."""


class Outcome(StrEnum):
    """How a scenario ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    FAILED = "failed"  # the platform
    ERROR = "error"  # the suite


@dataclass(frozen=True, slots=True)
class EndBody(Body):
    """The last fact."""

    KIND: ClassVar[FactKind] = FactKind.END

    outcome: Outcome
    """complete, interrupted, failed (the platform) or error (the suite)."""
    reason: str = ""
