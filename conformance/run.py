"""A run: one folder under `reports/runs/` that holds everything, laid out as the evidence bundle is.

run.json            `Run`: identity, environment, settings, scenarios and how each ended
judgements.json     the judgements, canonical JSON; judging again gives the same bytes
recording/NAME/     one recording per scenario
examples/NAME/      manifest as applied (bytes) and as admitted (JSON)
settings.yaml catalogue.yaml report.yaml report.html junit.xml summary.md manifest.json allure-results/ logs/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Implementation:
    """Who made the platform under test, as the vendor states it."""

    organization: str
    project: str
    url: str
    version: str
    contact: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A setting that is not at its default."""

    name: str
    default: float | str
    used: float | str
    limit: float | str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ScenarioRun:
    """How one scenario went."""

    name: str
    outcome: str
    """complete, interrupted, failed (platform) or error (harness)."""
    reason: str
    started_wall: float
    finished_wall: float
    recording: str
    """Folder below the run folder, e.g. `recording/target-concurrency`; empty when nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Run:
    """Everything about a run but the recordings and judgements."""

    id: str
    command: str
    seed: int
    clock: str
    provider: str
    started_wall: float
    finished_wall: float
    suite_version: str
    source_digest: str
    implementation: Implementation
    environment: Mapping[str, Any]
    """The `environment` block of the report (report.yaml), without its fingerprint."""
    settings: Mapping[str, Any]
    profiles: tuple[str, ...]
    features: tuple[str, ...]
    """Claimed or inferred features."""
    selected: tuple[str, ...]
    """Scenario names that were chosen to run."""
    fault: str | None = None
    deviations: tuple[Deviation, ...] = ()
    scenarios: tuple[ScenarioRun, ...] = ()
    leftovers: tuple[str, ...] = field(default=())

    def write(self, folder: Path) -> None:
        """Store as run.json."""
        text = json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "run.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Load run.json. Raises ValueError when it is not one."""
        value = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        try:
            value["implementation"] = Implementation(
                **{**value["implementation"], "contact": tuple(value["implementation"]["contact"])}
            )
            value["deviations"] = tuple(Deviation(**entry) for entry in value["deviations"])
            value["scenarios"] = tuple(ScenarioRun(**entry) for entry in value["scenarios"])
            for name in ("profiles", "features", "selected", "leftovers"):
                value[name] = tuple(value[name])
            return cls(**value)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{folder / 'run.json'}: {error}") from error
