"""A run: one folder under `reports/runs/` that holds everything, laid out as the evidence bundle is.

run.json            `Run`: identity, environment, settings, scenarios and how each ended
judgements.json     the judgements, canonical JSON; judging again gives the same bytes
recording/NAME/     one recording per scenario
examples/NAME/      manifest as applied (bytes) and as admitted (JSON)
settings.yaml catalogue.yaml report.yaml report.html junit.xml summary.md manifest.json allure-results/ logs/
"""

from __future__ import annotations

import json
import re
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
    """complete, interrupted, failed (platform), error (harness), skipped (the cluster has no room for it) or not-ours
    (it takes from the cluster what others may need)."""
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
    submittable: bool = True
    """Whether it may be submitted as a vendor's; a run of somebody's own service or scenarios may not."""

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
            value["scenarios"] = tuple(_scenario(entry) for entry in value["scenarios"])
            for name in ("profiles", "features", "selected", "leftovers"):
                value[name] = tuple(value[name])
            run = cls(**value)
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{folder / 'run.json'}: {error}") from error
        if not all(isinstance(name, str) for name in (*run.profiles, *run.features, *run.selected, *run.leftovers)):
            raise ValueError(f"{folder / 'run.json'}: a name is not a text")
        if not isinstance(run.environment, Mapping) or not isinstance(run.settings, Mapping):
            raise ValueError(f"{folder / 'run.json'}: environment and settings are objects")
        return run


def _scenario(entry: Mapping[str, Any]) -> ScenarioRun:
    """Raises ValueError for wrong types, and for a recording that is not where recordings are: whoever wrote the file
    may be a stranger, and what is read and shown must not lie outside the run's folder."""
    found = ScenarioRun(**entry)
    if not all(isinstance(text, str) for text in (found.name, found.outcome, found.reason, found.recording)):
        raise ValueError(f"scenario {found.name!r}: name, outcome, reason and recording are texts")
    if not all(isinstance(wall, int | float) for wall in (found.started_wall, found.finished_wall)):
        raise ValueError(f"scenario {found.name!r}: times are numbers")
    if found.recording and not re.fullmatch(r"recording/[A-Za-z0-9_][A-Za-z0-9._-]*", found.recording):
        raise ValueError(f"scenario {found.name!r}: {found.recording!r} is no recording of this run")
    return found
