"""Finds the run folder in what `conformance judge` is given: a folder, or an evidence bundle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.base.errors import UsageError
from conformance.recording import archive


@contextmanager
def opened(place: Path) -> Iterator[Path]:
    """The run folder behind a path. Raises UsageError when there is none."""
    with archive.opened(place) as folder:
        yield _run_folder(folder, place)


def _run_folder(folder: Path, place: Path) -> Path:
    if (folder / "run.json").is_file():
        return folder
    inner = sorted(path.parent for path in folder.glob("*/run.json"))
    if len(inner) == 1:
        return inner[0]
    if (folder / "recording.json").is_file():
        raise UsageError(f"{place}: one recording; give the run folder two levels up, which holds run.json")
    raise UsageError(f"{place}: no run.json in it; give a run folder, e.g. reports/runs/20261124-030100-8f2c")
