"""Reads recordings, also torn ones and ones from strangers: bounded lines, no links followed, nothing executed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from conformance.recording.body import Body
from conformance.recording.facts import RECORDING_VERSION, Fact
from conformance.recording.json_values import child
from conformance.recording.load_lines import GeneratorSecond, RecordedPlan
from conformance.recording.recorded_scenario import RecordedScenario
from conformance.recording.rows import ROW_BYTES, Row
from conformance.recording.shape import Json, JsonObject, WrongShapeError
from conformance.recording.writer import Header

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
MAX_NAMES: Final = 1_000_000
EARLIEST: Final = -86_400.0
LATEST: Final = 7 * 86_400.0
"""Seconds from the origin: a scenario takes minutes, and whoever reads one makes room for every second of it."""
_LOAD_FILE: Final = re.compile(r"load-([0-9]{1,4})\.rows")


class UnreadableRecordingError(ValueError):
    """The folder is not a recording, or one of another version."""


@dataclass(frozen=True, slots=True)
class LoadFile:
    """The rows of one load step, still on disk."""

    index: int
    path: Path
    names: tuple[str, ...]
    """Pod names; row field `pod` p means names[p - 1]."""
    plan: RecordedPlan
    seconds: tuple[GeneratorSecond, ...]
    """How the generator was, once a second, in order of `t`."""
    stated_plan: JsonObject
    """The plan as the generator wrote it."""
    health: tuple[JsonObject, ...]
    """The generator's own lines, as it wrote them."""

    @property
    def count(self) -> int:
        """Whole rows in the file."""
        return self.path.stat().st_size // ROW_BYTES

    def rows(self) -> Iterator[Row]:
        """All whole rows in file order (order of completion)."""
        with self.path.open("rb") as file:
            while len(data := file.read(ROW_BYTES)) == ROW_BYTES:
                yield Row.unpack(data)


class Recording:
    """A recording folder opened for reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = folder / "recording.json"
        if path.is_symlink() or not path.is_file():
            raise UnreadableRecordingError(f"{folder}: no recording.json in it")
        if path.stat().st_size > MAX_LINE_BYTES:
            raise UnreadableRecordingError(f"{path}: larger than {MAX_LINE_BYTES} bytes")
        try:
            value = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise UnreadableRecordingError(f"{path}: not JSON: {error}") from error
        if not isinstance(value, dict) or value.get("version") != RECORDING_VERSION:
            found = value.get("version") if isinstance(value, dict) else type(value).__name__
            raise UnreadableRecordingError(f"{path}: recording version {found!r}, this suite reads {RECORDING_VERSION}")
        names = {field.name for field in fields(Header)}
        if names - {"version"} - value.keys() or value.keys() - names:
            wrong = sorted(names ^ value.keys())
            raise UnreadableRecordingError(f"{path}: missing or unknown keys: {', '.join(wrong)}")
        try:
            self.header = Header.parse(value)
            RecordedScenario.parse(self.header.scenario_spec)
        except WrongShapeError as error:
            raise UnreadableRecordingError(f"{path}: {error}") from error

    def facts(self) -> Iterator[Fact[Body]]:
        """Facts in order. A torn last line is left out; any other bad line raises UnreadableRecordingError with its
        number and the field that is wrong."""
        path = self.folder / "facts.jsonl"
        if path.is_symlink() or not path.is_file():
            return
        with path.open("rb") as file:
            for number in range(1, 1 << 62):
                line = file.readline(MAX_LINE_BYTES + 1)
                if not line.endswith(b"\n"):
                    if len(line) > MAX_LINE_BYTES:
                        raise UnreadableRecordingError(f"{path}:{number}: line longer than {MAX_LINE_BYTES} bytes")
                    return
                try:
                    fact = Fact.parse(line)
                except (ValueError, RecursionError) as error:
                    raise UnreadableRecordingError(f"{path}:{number}: {error}") from error
                if not EARLIEST <= fact.t <= LATEST:
                    raise UnreadableRecordingError(f"{path}:{number}: t={fact.t:g} is no time of a recording")
                yield fact

    def loads(self) -> tuple[LoadFile, ...]:
        """The load steps that left rows, by step number."""
        found = []
        for path in self.folder.iterdir():
            if (match := _LOAD_FILE.fullmatch(path.name)) and not path.is_symlink() and path.is_file():
                found.append(self._load(int(match[1]), path))
        return tuple(sorted(found, key=lambda load: load.index))

    def _load(self, index: int, path: Path) -> LoadFile:
        names = tuple(
            line.rstrip(b"\n").decode("utf-8", "replace") for line in _whole_lines(path.with_suffix(".names"))
        )
        records: list[dict[str, Json]] = []
        for line in _whole_lines(path.with_suffix(".jsonl")):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnreadableRecordingError(f"{path.with_suffix('.jsonl')}: {error}") from error
            if not isinstance(value, dict):
                raise UnreadableRecordingError(f"{path.with_suffix('.jsonl')}: a line is not an object")
            records.append(value)
        stated = records.pop(0).get("plan") if records and "plan" in records[0] else {}
        try:
            plan = RecordedPlan.parse(stated)
            seconds = tuple(GeneratorSecond.parse(record) for record in records if "t" in record)
        except WrongShapeError as error:
            raise UnreadableRecordingError(f"{path.with_suffix('.jsonl')}: {error}") from error
        return LoadFile(index, path, names, plan, seconds, child(stated), tuple(records))


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.is_symlink() or not path.is_file():
        return
    with path.open("rb") as file:
        for _ in range(MAX_NAMES):
            line = file.readline(MAX_LINE_BYTES)
            if not line.endswith(b"\n"):
                return
            yield line
