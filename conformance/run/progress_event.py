"""Where a scenario stands, for whoever watches the run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """What is None was not told and stays as it was."""

    phase: str | None = None
    pods: int | None = None
    ready: int | None = None
    desired: int | None = None
    requested: int | None = None
    """Replicas that the deployments ask for."""
    requests_per_second: float | None = None
    in_flight: int | None = None
    panic: bool | None = None
    """Whether a conforming autoscaler would be in panic."""
    seconds_left: float | None = None

    def after(self, earlier: ProgressEvent) -> ProgressEvent:
        """These news on top of earlier ones."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        known = {name: getattr(earlier, name) if value is None else value for name, value in told.items()}
        return ProgressEvent(**known)

    def body(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


OnProgress = Callable[[ProgressEvent], None]
