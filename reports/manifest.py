"""manifest.json: path, digest and size of every file of a run.

It cannot list itself, nor report.yaml, which states the manifest's own digest (`evidence.digest`). README.md is the
vendor's to edit, and a signature is made over the finished manifest; these four are the only files that may stand
beside what the manifest lists. report.yaml is safe all the same: whatever it says is computed again from the listed
files by `conformance verify`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from reports.canonical import dump_json, file_digest, replace_file

NAME: Final = "manifest.json"
REPORT: Final = "report.yaml"
README: Final = "README.md"
STATEMENT: Final = "statement.json"
OUTSIDE: Final = frozenset({NAME, REPORT, README, STATEMENT})


@dataclass(frozen=True, slots=True)
class Entry:
    """One file; `path` is relative to the run's folder, with slashes."""

    path: str
    digest: str
    bytes: int


def list_files(folder: Path) -> tuple[Entry, ...]:
    """Entries of all files below a run's folder, by path. Empty files are left out: they say nothing."""
    return tuple(
        Entry(name, file_digest(path), path.stat().st_size)
        for name, path in sorted(_files(folder))
        if name not in OUTSIDE
    )


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and not path.is_symlink() and path.is_file() and path.stat().st_size:
            yield path.relative_to(folder).as_posix(), path


def write(folder: Path, entries: Iterable[Entry]) -> None:
    """Store manifest.json."""
    replace_file(folder / NAME, dump_json({"version": 1, "files": [asdict(entry) for entry in entries]}))


def read(data: bytes) -> tuple[Entry, ...]:
    """Parse manifest.json; raises ValueError when it is not one."""
    value: Any = json.loads(data)
    if not isinstance(value, dict) or value.get("version") != 1 or not isinstance(value.get("files"), list):
        raise ValueError("not a manifest of version 1")
    try:
        entries = tuple(Entry(**entry) for entry in value["files"])
    except TypeError as error:
        raise ValueError(f"not a manifest: {error}") from error
    if not all(isinstance(e.path, str) and isinstance(e.digest, str) and isinstance(e.bytes, int) for e in entries):
        raise ValueError("not a manifest: an entry is not {path, digest, bytes}")
    return entries
