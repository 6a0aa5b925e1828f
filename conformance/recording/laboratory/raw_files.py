"""Reads the files of one raw laboratory recording: JSON lines and CSV, plain or gzipped.

A recording that broke off may end in half a line; that one is left out. Anything else that is not of its form is
refused with the place of it, as a judgement on half-understood evidence would be worth nothing.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from conformance.base import bounded_yaml
from conformance.base.errors import UsageError
from conformance.recording.json_values import child, has_child
from conformance.recording.laboratory.raw_lines import RawConfig
from conformance.recording.shape import JsonObject, Shape, WrongShapeError

AUTOSCALING = "autoscaling.knative.dev/"
Line = TypeVar("Line", bound=Shape)


@dataclass(frozen=True, slots=True)
class KnativeManifest:
    """A Knative Service as it was applied, and when."""

    wall: float
    text: str
    body: JsonObject

    @property
    def template(self) -> JsonObject:
        """The revision template."""
        return child(self.body, "spec", "template")


class RawRecording:
    """One raw recording: a folder with config.json in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not self.has("config.json"):
            raise UsageError(f"{folder}: no config.json in it; a raw recording is one folder with that file")
        try:
            self.config = RawConfig.parse(json.loads(self._text("config.json")))
        except WrongShapeError as error:
            raise self.refused("config.json", str(error)) from error
        except ValueError as error:
            raise self.refused("config.json", f"not JSON: {error}") from error
        if math.isnan(self.moment("apply")):
            raise self.refused("config.json", "no event 'apply', so that nothing tells when the recording begins")
        load = self.config.load
        commands = load if isinstance(load, list) else [load] if load else []
        if not all(isinstance(command, str) for command in commands):
            raise self.refused("config.json", "'load' has to be a list of commands")
        self.commands = tuple(str(command) for command in commands)
        """The load commands, pauses among them."""

    def has(self, name: str) -> bool:
        """Whether a file is there, plain or gzipped."""
        return _has(self.folder, name)

    def lines(self, name: str, shape: type[Line]) -> Iterator[Line]:
        """Lines of a JSON lines file in order; none when it is absent."""
        rows = self._text(name).splitlines()
        for number, line in enumerate(rows, start=1):
            if not line.strip():
                continue
            try:
                yield shape.parse(json.loads(line))
            except WrongShapeError as error:
                raise self.refused(name, f"line {number}: {error}") from error
            except ValueError as error:
                if number == len(rows):
                    return
                raise self.refused(name, f"line {number} is not JSON") from error

    def table(self, name: str, *numbers: str) -> list[dict[str, str]]:
        """Rows of a CSV file; none when it is absent. Fields named in `numbers` hold finite numbers in every row."""
        reader = csv.DictReader(self._text(name).splitlines())
        missing = [column for column in numbers if column not in (reader.fieldnames or numbers)]
        if missing:
            raise self.refused(name, f"no column {missing[0]!r} in it")
        rows = list(reader)
        for number, row in enumerate(rows, start=1):
            wrong = [column for column in numbers if not _is_number(row.get(column))]
            if wrong and number == len(rows):
                return rows[:-1]
            if wrong:
                raise self.refused(name, f"row {number}: {wrong[0]} is {row.get(wrong[0])!r}, not a number")
        return rows

    def manifests(self) -> tuple[KnativeManifest, ...]:
        """The Knative Service as first applied and, for a rollout, as applied again."""
        apply = self.moment("apply")
        if not self.has("manifest.yaml"):
            return (self._manifest_by_config(apply),)
        found = [self._manifest("manifest.yaml", apply)]
        if self.has("manifest2.yaml"):
            update = self._text("update.t").strip()
            if not _is_number(update):
                raise self.refused("update.t", f"{update!r} is not the time at which manifest2.yaml was applied")
            found.append(self._manifest("manifest2.yaml", float(update)))
        return tuple(found)

    def _manifest(self, name: str, wall: float) -> KnativeManifest:
        text = self._text(name)
        try:
            documents = bounded_yaml.load_all(text)
        except yaml.YAMLError as error:
            raise self.refused(name, f"not YAML: {error}") from error
        services = [body for body in documents if child(body).get("kind") == "Service"]
        if not services or not has_child(services[0], "spec", "template"):
            raise self.refused(name, "no Knative Service with spec.template in it")
        return KnativeManifest(wall, yaml.safe_dump(services[0]) if len(documents) > 1 else text, services[0])

    def _manifest_by_config(self, wall: float) -> KnativeManifest:
        """The manifest behind config.json's own account of it, where the file is missing."""
        if self.config.annotations is None:
            raise self.refused("manifest.yaml", "not there, and config.json has no 'annotations' in its stead")
        pairs = [part.partition(":") for part in self.config.annotations.split(";") if part.strip()]
        annotations = {f"{AUTOSCALING}{name.strip()}": value.strip().strip("\"'") for name, _, value in pairs}
        limit = self.config.container_concurrency or "0"
        if not limit.isdigit():
            raise self.refused("config.json", f"containerConcurrency is {limit!r}, not a number")
        template: JsonObject = {"metadata": {"annotations": annotations}, "spec": {"containerConcurrency": int(limit)}}
        body: JsonObject = {"kind": "Service", "metadata": {"name": self.folder.name}, "spec": {"template": template}}
        return KnativeManifest(wall, yaml.safe_dump(body), body)

    def moment(self, name: str) -> float:
        """Unix time of the first step of that name; NaN when it never came."""
        return next((float(step.t) for step in self.config.events if step.ev == name), math.nan)

    def spans(self) -> list[tuple[float, float]]:
        """(start, end) of each load in Unix seconds; the end is NaN when it never came."""
        found: list[tuple[float, float]] = []
        for step in self.config.events:
            if step.ev == "load-start":
                found.append((float(step.t), math.nan))
            elif step.ev == "load-end" and found and math.isnan(found[-1][1]):
                found[-1] = (found[-1][0], float(step.t))
        return found

    def _text(self, name: str) -> str:
        path, packed = self.folder / name, self.folder / f"{name}.gz"
        if path.is_file():
            return path.read_text(encoding="utf-8-sig", errors="replace")
        if not packed.is_file():
            return ""
        try:
            with gzip.open(packed, "rt", encoding="utf-8-sig", errors="replace") as file:
                return file.read()
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{packed}: cannot be unpacked: {error}") from error

    def refused(self, name: str, why: str) -> UsageError:
        """The error that says which file is not of its form."""
        return UsageError(f"{self.folder / name}: {why}")


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or "nan"))
    except ValueError:
        return False


def raw_recordings(folder: Path) -> tuple[RawRecording, ...]:
    """The raw recording in a folder, or all those one level below it."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    if _has(folder, "config.json"):
        return (RawRecording(folder),)
    found = tuple(
        RawRecording(path) for path in sorted(folder.iterdir()) if path.is_dir() and _has(path, "config.json")
    )
    if not found:
        raise UsageError(f"{folder}: no raw recording in it (a folder with config.json)")
    return found


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file() or (folder / f"{name}.gz").is_file()
