"""What a requirement may tell its check: the parameters that checks have in common, and the words they are written in.

Each check declares its own parameters beside it, as a dataclass that extends one of these (`conformance/judge/checks`).
The catalogue lies below the judge, so the types are handed in where it is read: `requirement.Language`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from conformance.catalogue.entries import Named, OneOf

METRICS: Final = ("concurrency", "rps", "cpu", "memory")
COMPONENTS: Final = ("predictor", "transformer")

Metric = Annotated[str, OneOf(METRICS)]
Component = Annotated[str, OneOf(COMPONENTS)]
StepName = Annotated[str, Named("step")]
"""A step of the requirement's scenario."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `least` to `most`, both included; in the files one number, or `[least, most]`."""

    least: float
    most: float

    @classmethod
    def from_entry(cls, value: object) -> Range:
        """Raises ValueError for anything but a number or two in order."""
        given = value if isinstance(value, list) else [value, value]
        ends = [end for end in given if isinstance(end, int | float) and not isinstance(end, bool)]
        if len(given) != 2 or len(ends) != 2 or not ends[0] <= ends[1]:
            raise ValueError(f"{value!r} is neither a number nor a range [least, most]")
        return cls(*ends)

    def entry(self) -> object:
        """As the files have it."""
        return self.least if self.least == self.most else [self.least, self.most]

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.least <= value <= self.most

    def __str__(self) -> str:
        return str(self.entry())


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a recording has to be like for a requirement that it was not made for; what is not given may be anything.

    How each is found in a recording: `conformance/judge/import_applicability.py`."""

    metric: Metric | None = None
    """What the autoscaler scales by."""
    container_concurrency: Range | None = None
    """Requests that a container takes at a time; 0 is any number."""
    target_given: bool | None = None
    """Whether the manifest says how much a pod takes."""
    min_scale: Range | None = None
    """The minimum of pods."""
    max_scale: Range | None = None
    """The maximum of pods; 0 is none."""
    burst_capacity: Range | None = None
    """Requests beyond what the pods take for which the activator stays in the path; 0 is never."""
    panic_threshold: Range | None = None
    """Wanted pods in a hundred ready ones from which the autoscaler panics."""
    weighted: bool | None = None
    """Whether newer seconds weigh more in the means."""
    timeout_seconds: Range | None = None
    """How long a request may take."""
    start_seconds: Range | None = None
    """How long the model takes to start."""
    default_configuration: bool | None = None
    """Whether the autoscaler is configured as Knative ships it."""
    inference_service: bool | None = None
    """Whether an InferenceService was watched, not only a Knative Service."""
    components: Range | None = None
    """Components of the service."""
    revisions: Range | None = None
    """Revisions of one component that had pods, the most of any."""
    accelerators: bool | None = None
    """Whether pods ask for accelerators."""
    pods_at_load: Range | None = None
    """Pods that the first load met."""
    from_zero: bool | None = None
    """Whether a load met no pod at all."""
    phases: Range | None = None
    """Phases of all loads together."""
    salvo: bool | None = None
    """Whether callers were paced as hey -q paces them."""
    falling: bool | None = None
    """Whether a load goes on with fewer callers, or fewer requests, than it began with."""
    surplus: bool | None = None
    """Whether a request may be refused rightly, for want of room in the pods' queues."""
    calm: bool | None = None
    """Whether some conforming autoscaler never panics."""
    holds_after_panic: bool | None = None
    """Whether a load goes on after every conforming autoscaler has left panic."""
    beyond_maximum: bool | None = None
    """Whether the load asks for at least the maximum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckParameters:
    """Parameters that every check has."""

    when: When = field(default_factory=When)
    """Which recordings that were not made for it the requirement judges; without it all that show what it looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentParameters(CheckParameters):
    """Parameters of checks that look at one component."""

    component: Component | None = None
    """The component in question; the one that takes the traffic without it."""
