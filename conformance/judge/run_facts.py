"""What judging one requirement needs to know beyond the recording."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.recording.run_record import Deviation


@dataclass(frozen=True, slots=True)
class Context:
    """Facts of the run."""

    profiles: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    accelerator: str = "none"
    """real, emulated or none."""
    deviations: tuple[Deviation, ...] = ()
