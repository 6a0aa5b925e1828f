"""A submission opened for checking: its files, and what they say, each read once and only when a rule asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from conformance.base.errors import UsageError
from conformance.catalogue.requirement import Requirement
from conformance.judge.judged_run import JudgedRun, stored
from conformance.judge.requirements import catalogue
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_record import Run
from reports import manifest
from reports.bundle import read_yaml
from reports.stored_run import check_names


class UnevaluableError(Exception):
    """A rule cannot be evaluated, which is a failure of the submission."""


@dataclass(frozen=True, eq=False)
class Submission:
    """A bundle's folder. Everything in it was written by others."""

    folder: Path
    submitted_wall: float
    """When it was submitted, in Unix seconds."""
    beside: Path | None = None
    """Where the bundle file lies; its README may stand there."""

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """report.yaml as plain data."""
        return self._yaml(manifest.REPORT)

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """settings.yaml."""
        return self._yaml("settings.yaml")

    def _yaml(self, name: str) -> Mapping[str, Any]:
        try:
            value = read_yaml(self.bytes(name))
        except UsageError as error:
            raise UnevaluableError(f"{name}: {error}") from error
        if not isinstance(value, dict):
            raise UnevaluableError(f"{name} is not a mapping")
        return value

    def bytes(self, name: str) -> bytes:
        """Content of a file of the bundle."""
        path = self.folder / name
        if not path.is_file():
            raise UnevaluableError(f"{name} is missing")
        return path.read_bytes()

    @cached_property
    def manifest(self) -> tuple[manifest.Entry, ...]:
        """Entries of manifest.json."""
        try:
            return manifest.read(self.bytes(manifest.NAME))
        except (ValueError, RecursionError) as error:
            raise UnevaluableError(f"{manifest.NAME}: {error}") from error

    @cached_property
    def run(self) -> Run:
        """run.json."""
        self.bytes("run.json")
        try:
            return Run.read(self.folder)
        except (ValueError, RecursionError, AttributeError) as error:
            raise UnevaluableError(f"run.json: {error}") from error

    @cached_property
    def judged(self) -> JudgedRun:
        """The run as its views see it."""
        self.bytes("judgements.json")
        run = self.run
        try:
            check_names(run)
            return stored(self.folder, run=run)
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
            raise UnevaluableError(f"the run cannot be read: {error}") from error

    @cached_property
    def recordings(self) -> Mapping[str, Recording]:
        """Every recording in the bundle by its folder below recording/, also those run.json does not name."""
        found = {}
        place = self.folder / "recording"
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            try:
                found[path.name] = Recording(path)
            except UnreadableRecordingError as error:
                raise UnevaluableError(str(error)) from error
        return found

    @cached_property
    def stated(self) -> list[Mapping[str, Any]]:
        """The report's requirements[]."""
        found = self.report.get("requirements")
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise UnevaluableError("report.yaml has no list of requirements")
        return found

    def block(self, *names: str) -> Any:
        """A part of the report by its path of keys."""
        found: Any = self.report
        for name in names:
            if not isinstance(found, dict) or name not in found:
                raise UnevaluableError(f"report.yaml has no {'.'.join(names)}")
            found = found[name]
        return found

    def known(self) -> tuple[Requirement, ...]:
        """The catalogue that submissions are held to."""
        return catalogue()


def same(stated: Any, computed: Any) -> bool:
    """Whether two values of a report are the same once written; the order of keys does not matter."""
    return json.dumps(stated, sort_keys=True, default=str) == json.dumps(computed, sort_keys=True, default=str)
