"""What a report is made of: a run's folder, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import UsageError
from conformance.catalogue.requirement import Requirement, catalogue
from conformance.judge import history
from conformance.judge.history import History
from conformance.judge.judgement import Judgement
from conformance.judge.serial import load
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_record import Run
from reports.bundle import read_yaml

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PLACE: Final = re.compile(r"recording/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, eq=False)
class Material:
    """A run with its judgements, the requirements it was held to, and its recordings as stories."""

    folder: Path
    run: Run
    judgements: Mapping[str, Judgement]
    """By requirement id."""
    requirements: tuple[Requirement, ...]
    """Those that were judged, by id."""
    histories: Mapping[str, History]
    """By scenario name; scenarios whose recording cannot be read are missing."""
    unreadable: Mapping[str, str]
    """Scenario name to what is wrong with its recording."""

    def requirement(self, identity: str) -> Requirement:
        """One requirement of this run."""
        return next(entry for entry in self.requirements if entry.id == identity)

    def judged(self, requirements: Sequence[Requirement]) -> list[Judgement]:
        """Their judgements, in their order."""
        return [self.judgements[entry.id] for entry in requirements]


def gather(folder: Path, requirements: Sequence[Requirement] | None = None, *, run: Run | None = None) -> Material:
    """Read a run's folder. `requirements` is the catalogue to describe it by, this suite's own by default.

    Raises ValueError when run.json or judgements.json are missing, torn or speak of requirements nobody knows."""
    run = run or Run.read(folder)
    judgements = {entry.requirement: entry for entry in load((folder / "judgements.json").read_bytes())}
    known = {entry.id: entry for entry in (catalogue() if requirements is None else requirements)}
    strangers = sorted(judgements.keys() - known.keys())
    if strangers:
        raise ValueError(f"{folder / 'judgements.json'}: not in the catalogue: {', '.join(strangers)}")
    _check_places(run)
    histories: dict[str, History] = {}
    unreadable: dict[str, str] = {}
    for entry in run.scenarios:
        if not entry.recording:
            continue
        try:
            histories[entry.name] = history.read(Recording(folder / entry.recording))
        except (UnreadableRecordingError, OSError) as error:
            unreadable[entry.name] = str(error)
    return Material(
        folder=folder,
        run=run,
        judgements=judgements,
        requirements=tuple(known[key] for key in sorted(judgements)),
        histories=histories,
        unreadable=unreadable,
    )


def _check_places(run: Run) -> None:
    """Names become paths below the run's folder, so they must be plain."""
    for entry in run.scenarios:
        if not _NAME.fullmatch(entry.name) or (entry.recording and not _PLACE.fullmatch(entry.recording)):
            raise ValueError(f"run.json: scenario {entry.name[:60]!r} in {entry.recording[:60]!r} is no plain name")


def read(folder: Path) -> Material:
    """A run's folder that the user named. Raises UsageError when it is not one; requirements that this suite does
    not know are described by the run's own catalogue.yaml."""
    known = {entry.id: entry for entry in catalogue()}
    try:
        listed = read_yaml((folder / "catalogue.yaml").read_bytes()) if (folder / "catalogue.yaml").is_file() else ()
        for entry in listed or ():
            if entry["id"] not in known:
                known[entry["id"]] = requirement_from(entry)
        return gather(folder, tuple(known.values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{folder.name}: no finished run: {error}") from error


def requirement_from(value: Mapping[str, Any]) -> Requirement:
    """A requirement from catalogue.yaml's plain data, missing fields empty."""
    empty: dict[str, Any] = {
        "scenario": None, "check": None, "parameters": {}, "derivation": "", "faults": (), "alpha": 0.0, "beta": 0.0,
        "detects": "", "source": "",
    }  # fmt: skip
    values = {**empty, **value}
    for name in ("faults", "threads"):
        values[name] = tuple(values.get(name) or ())
    return Requirement(**values)


def plain(requirement: Requirement) -> dict[str, Any]:
    """A requirement as catalogue.yaml holds it: the fields of the catalogue's own files, without empty ones."""
    value = asdict(requirement)
    value["parameters"] = dict(requirement.parameters)
    found = {name: list(entry) if isinstance(entry, tuple) else entry for name, entry in value.items()}
    return {name: entry for name, entry in found.items() if entry not in (None, "", [], {})}
