"""Reads the files of one raw laboratory recording: JSON lines and CSV, plain or gzipped, stamped in Unix seconds."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from conformance import bounded_yaml
from conformance.errors import SubmissionError


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Knative Service as it was applied, and when."""

    wall: float
    text: str
    body: Mapping[str, Any]

    @property
    def template(self) -> Mapping[str, Any]:
        """The revision template."""
        template: Mapping[str, Any] = self.body.get("spec", {}).get("template", {})
        return template


class Source:
    """One raw recording: a folder with config.json in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "config.json"
        if not path.is_file():
            raise SubmissionError(f"{folder}: no config.json in it; a raw recording is one folder with that file")
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SubmissionError(f"{path}: not JSON: {error}") from error
        if not isinstance(config, dict) or not isinstance(config.get("events"), list):
            raise SubmissionError(f"{path}: an object with a list 'events' is needed")
        self.config: Mapping[str, Any] = config

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """Objects of a JSON lines file in order; none when it is absent. A torn last line is left out."""
        for line in self._text(name).splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict) and "t" in value:
                yield value

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a CSV file; none when it is absent."""
        return list(csv.DictReader(self._text(name).splitlines()))

    def manifests(self) -> tuple[Manifest, ...]:
        """The Knative Service as first applied and, for a rollout, as applied again."""
        found = []
        update = self._text("update.t").strip()
        for name, wall in (("manifest.yaml", self.moment("apply")), ("manifest2.yaml", float(update or "nan"))):
            text = self._text(name)
            if text:
                try:
                    body = bounded_yaml.load(text)
                except yaml.YAMLError as error:
                    raise SubmissionError(f"{self.folder / name}: not YAML: {error}") from error
                if isinstance(body, dict):
                    found.append(Manifest(wall, text, body))
        return tuple(found)

    def moment(self, name: str) -> float:
        """Unix time of the first step of that name; NaN when it never came."""
        return next((float(event["t"]) for event in self.config["events"] if event.get("ev") == name), float("nan"))

    def moments(self, name: str) -> list[float]:
        """Unix times of all steps of that name."""
        return [float(event["t"]) for event in self.config["events"] if event.get("ev") == name]

    def _text(self, name: str) -> str:
        path = self.folder / name
        packed = self.folder / f"{name}.gz"
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
        if packed.is_file():
            with gzip.open(packed, "rt", encoding="utf-8", errors="replace") as file:
                return file.read()
        return ""


def sources(folder: Path) -> tuple[Source, ...]:
    """The raw recording in a folder, or all those one level below it."""
    if not folder.is_dir():
        raise SubmissionError(f"{folder}: no such folder")
    if (folder / "config.json").is_file():
        return (Source(folder),)
    found = tuple(Source(path.parent) for path in sorted(folder.glob("*/config.json")))
    if not found:
        raise SubmissionError(f"{folder}: no raw recording in it (a folder with config.json)")
    return found
