"""What `load-N.jsonl` says of a load, as far as judging needs it; the load generator's own formats are its own."""

from dataclasses import dataclass

from conformance.recording.shape import Shape
from conformance.recording.units import RecordingSeconds, Requests, Seconds, Share


@dataclass(frozen=True, slots=True)
class RecordedPhase(Shape):
    """One stretch of a load's plan."""

    shape: str = ""
    """closed, salvo, constant, poisson, ramp, burst or idle; recorded where only the arrivals are known."""
    seconds: Seconds = 0.0
    workers: int = 0
    """Callers at once."""
    rate: float = 0.0
    """Requests per second, at the beginning of a ramp."""
    rate_end: float = 0.0
    """Requests per second at the end of a ramp."""
    rate_per_worker: float = 0.0
    """Requests per second of each paced caller."""
    count: Requests = 0
    """Of a burst; of a closed loop that ends after so many."""

    @property
    def arrivals(self) -> float:
        """How many arrivals an open loop asks for; 0 for the others."""
        if self.shape == "burst":
            return float(self.count)
        if self.shape == "ramp":
            return (self.rate + self.rate_end) / 2.0 * self.seconds
        return self.rate * self.seconds if self.shape in ("constant", "poisson") else 0.0


@dataclass(frozen=True, slots=True)
class RecordedPlan(Shape):
    """The plan of a load, from the file's first line."""

    phases: tuple[RecordedPhase, ...] = ()
    start: RecordingSeconds | None = None
    """When the load began."""


@dataclass(frozen=True, slots=True)
class GeneratorSecond(Shape):
    """How the load generator was, once a second."""

    t: RecordingSeconds
    cpu_share: Share | None = None
    """Of one core, all threads of the generator together."""
