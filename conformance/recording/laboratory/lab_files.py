"""Reads the files of one raw laboratory recording: JSON lines and CSV, plain or gzipped, stamped in Unix seconds.

A recording that broke off may end in half a line; that one is left out. Anything else that is not of its form is
refused with the place of it, as a judgement on half-understood evidence would be worth nothing.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance.base import bounded_yaml
from conformance.base.errors import UsageError

AUTOSCALING = "autoscaling.knative.dev/"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Knative Service as it was applied, and when."""

    wall: float
    text: str
    body: Mapping[str, Any]

    @property
    def template(self) -> Mapping[str, Any]:
        """The revision template."""
        template: Mapping[str, Any] = self.body["spec"]["template"]
        return template


class Source:
    """One raw recording: a folder with config.json in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not self.has("config.json"):
            raise UsageError(f"{folder}: no config.json in it; a raw recording is one folder with that file")
        try:
            config = json.loads(self._text("config.json"))
        except ValueError as error:
            raise UsageError(f"{folder / 'config.json'}: not JSON: {error}") from error
        if not isinstance(config, dict) or not isinstance(config.get("events"), list):
            raise self._refused("config.json", "an object with a list 'events' is needed")
        self.config: Mapping[str, Any] = config
        for event in config["events"]:
            if not isinstance(event, dict) or "ev" not in event or not _is_time(event.get("t")):
                raise self._refused("config.json", f"event {event!r} is not an object with a name 'ev' and a time 't'")
        if not any(event["ev"] == "apply" for event in config["events"]):
            raise self._refused("config.json", "no event 'apply', so that nothing tells when the recording begins")
        if not all(isinstance(command, str) for command in self.commands):
            raise self._refused("config.json", "'load' has to be a list of commands")
        if not isinstance(config.get("configAutoscaler") or {}, dict):
            raise self._refused("config.json", "'configAutoscaler' has to be an object")

    @property
    def commands(self) -> list[Any]:
        """The load commands, pauses among them."""
        found = self.config.get("load") or []
        return found if isinstance(found, list) else [found]

    def has(self, name: str) -> bool:
        """Whether a file is there, plain or gzipped."""
        return (self.folder / name).is_file() or (self.folder / f"{name}.gz").is_file()

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Objects of a JSON lines file in order, each with a time `t`; none when it is absent."""
        rows = self._text(name).splitlines()
        for number, line in enumerate(rows, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except ValueError as error:
                if number == len(rows):
                    return
                raise self._refused(name, f"line {number} is not JSON") from error
            if not isinstance(value, dict) or not _is_time(value.get("t")):
                raise self._refused(name, f"line {number} is not an object with a time 't'")
            yield value

    def table(self, name: str, *numbers: str) -> list[dict[str, str]]:
        """Rows of a CSV file; none when it is absent. Fields named in `numbers` hold finite numbers in every row."""
        reader = csv.DictReader(self._text(name).splitlines())
        missing = [key for key in numbers if key not in (reader.fieldnames or numbers)]
        if missing:
            raise self._refused(name, f"no column {missing[0]!r} in it")
        rows = list(reader)
        for number, row in enumerate(rows, start=1):
            wrong = [key for key in numbers if not _is_number(row.get(key))]
            if wrong and number == len(rows):
                return rows[:-1]
            if wrong:
                raise self._refused(name, f"row {number}: {wrong[0]} is {row.get(wrong[0])!r}, not a number")
        return rows

    def manifests(self) -> tuple[Manifest, ...]:
        """The Knative Service as first applied and, for a rollout, as applied again."""
        apply = self.moment("apply")
        if not self.has("manifest.yaml"):
            return (self._told(apply),)
        found = [self._manifest("manifest.yaml", apply)]
        if self.has("manifest2.yaml"):
            update = self._text("update.t").strip()
            if not _is_number(update):
                raise self._refused("update.t", f"{update!r} is not the time at which manifest2.yaml was applied")
            found.append(self._manifest("manifest2.yaml", float(update)))
        return tuple(found)

    def _manifest(self, name: str, wall: float) -> Manifest:
        text = self._text(name)
        try:
            documents = bounded_yaml.load_all(text)
        except yaml.YAMLError as error:
            raise self._refused(name, f"not YAML: {error}") from error
        services = [body for body in documents if isinstance(body, dict) and body.get("kind") == "Service"]
        if not services or not _has_template(services[0]):
            raise self._refused(name, "no Knative Service with spec.template in it")
        return Manifest(wall, yaml.safe_dump(services[0]) if len(documents) > 1 else text, services[0])

    def _told(self, wall: float) -> Manifest:
        """The manifest behind config.json's own account of it, where the file is missing."""
        text = self.config.get("annotations")
        if not isinstance(text, str):
            raise self._refused("manifest.yaml", "not there, and config.json has no 'annotations' in its stead")
        pairs = [part.partition(":") for part in text.split(";") if part.strip()]
        annotations = {f"{AUTOSCALING}{key.strip()}": value.strip().strip("\"'") for key, _, value in pairs}
        limit = str(self.config.get("containerConcurrency") or "0")
        if not limit.isdigit():
            raise self._refused("config.json", f"containerConcurrency is {limit!r}, not a number")
        template = {"metadata": {"annotations": annotations}, "spec": {"containerConcurrency": int(limit)}}
        body = {"kind": "Service", "metadata": {"name": self.folder.name}, "spec": {"template": template}}
        return Manifest(wall, yaml.safe_dump(body), body)

    def moment(self, name: str) -> float:
        """Unix time of the first step of that name; NaN when it never came."""
        return next((float(event["t"]) for event in self.config["events"] if event["ev"] == name), math.nan)

    def spans(self) -> list[tuple[float, float]]:
        """(start, end) of each load in Unix seconds; the end is NaN when it never came."""
        found: list[tuple[float, float]] = []
        for event in self.config["events"]:
            if event["ev"] == "load-start":
                found.append((float(event["t"]), math.nan))
            elif event["ev"] == "load-end" and found and math.isnan(found[-1][1]):
                found[-1] = (found[-1][0], float(event["t"]))
        return found

    def _text(self, name: str) -> str:
        path = self.folder / name
        packed = self.folder / f"{name}.gz"
        if path.is_file():
            return path.read_text(encoding="utf-8-sig", errors="replace")
        if packed.is_file():
            try:
                with gzip.open(packed, "rt", encoding="utf-8-sig", errors="replace") as file:
                    return file.read()
            except (OSError, EOFError, zlib.error) as error:
                raise UsageError(f"{packed}: cannot be unpacked: {error}") from error
        return ""

    def _refused(self, name: str, why: str) -> UsageError:
        return UsageError(f"{self.folder / name}: {why}")


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or "nan"))
    except ValueError:
        return False


def _has_template(body: Mapping[str, Any]) -> bool:
    spec = body.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if not isinstance(template, dict):
        return False
    return all(isinstance(template.get(key) or {}, dict) for key in ("metadata", "spec"))


def sources(folder: Path) -> tuple[Source, ...]:
    """The raw recording in a folder, or all those one level below it."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    if _is_recording(folder):
        return (Source(folder),)
    found = tuple(Source(path) for path in sorted(folder.iterdir()) if path.is_dir() and _is_recording(path))
    if not found:
        raise UsageError(f"{folder}: no raw recording in it (a folder with config.json)")
    return found


def _is_recording(folder: Path) -> bool:
    return (folder / "config.json").is_file() or (folder / "config.json.gz").is_file()
