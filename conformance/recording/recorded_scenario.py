"""Scenario and installation as they were when they were recorded, as far as judging needs them."""

from dataclasses import dataclass
from typing import Final

from conformance.recording.shape import JsonObject, Shape
from conformance.recording.units import Pods, Seconds


@dataclass(frozen=True, slots=True)
class RecordedClaim(Shape):
    """What the documentation page says will happen."""

    passage: str = ""
    text: str = ""
    pods: Pods | None = None
    component: str = ""
    modelled: str = ""
    """What holds instead, for a claim that is no pod count."""


@dataclass(frozen=True, slots=True)
class RecordedStep(Shape):
    """One stretch of the scenario."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class RecordedBudget(Shape):
    """What the scenario takes from the cluster."""

    gpus: int = 0


NO_BUDGET: Final = RecordedBudget()


@dataclass(frozen=True, slots=True)
class RecordedScenario(Shape):
    """`scenario_spec` of a recording's header."""

    title: str = ""
    section: str = ""
    """Of the documentation page."""
    imported: bool = False
    """The recording came from elsewhere, so that only what it happens to hold can be judged."""
    own: bool = False
    """It is of a service of somebody's own, and not of one of the catalogue's manifests."""
    mode: str = ""
    """Knative or Standard."""
    service_ms: float = 100
    """Milliseconds that the model takes for a request."""
    start_seconds: Seconds = 0.0
    """From a container's start to its first answer."""
    claims: tuple[RecordedClaim, ...] = ()
    steps: tuple[RecordedStep, ...] = ()
    budget: RecordedBudget = NO_BUDGET


@dataclass(frozen=True, slots=True)
class RecordedNode(Shape):
    """A node of the cluster."""

    accelerators: int = 0


@dataclass(frozen=True, slots=True)
class RecordedInstallation(Shape):
    """The `installation` configuration: what the suite found in the cluster."""

    accelerator_resource: str = ""
    nodes: tuple[RecordedNode, ...] = ()
    activators: int | None = None
    """How many share the traffic, where that is known."""
    autoscaler_config: JsonObject | None = None
    """Data of config-autoscaler as declared, for platforms where it cannot be read."""
