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

    def words(self) -> str:
        """`pods 3/5 in panic, 2 ready, in flight 6, 12.0 req/s`: pods there and wanted; empty where nothing is told."""
        parts = []
        if self.pods is not None or self.desired is not None:
            parts.append(f"pods {count(self.pods)}/{count(self.desired)}" + (" in panic" if self.panic else ""))
        if self.pods is not None and self.ready is not None and self.ready != self.pods:
            parts.append(f"{self.ready} ready")
        if self.in_flight:
            parts.append(f"in flight {self.in_flight}")
        if self.requests_per_second:
            parts.append(f"{self.requests_per_second:.1f} req/s")
        if self.seconds_left is not None:
            parts.append(f"{self.seconds_left:.0f} s left")
        return ", ".join(parts)

    def body(self) -> dict[str, object]:
        """Plain JSON."""
        return asdict(self)


def count(value: int | None) -> str:
    """A dash for what was not told."""
    return "-" if value is None else str(value)


OnProgress = Callable[[ProgressEvent], None]
