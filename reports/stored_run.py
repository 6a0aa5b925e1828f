"""Finished runs that the user names, for export, comparison and audit: opened once, as judging left them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from conformance.base.errors import UsageError
from conformance.judge.judged_run import JudgedRun, stored
from conformance.judge.requirements import catalogue
from conformance.recording.run_record import Run
from reports import catalogue_file
from reports.bundle import opened, read_yaml

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FOLDER: Final = re.compile(r"recording/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@contextmanager
def opened_run(path: Path) -> Iterator[JudgedRun]:
    """A run by its folder or its bundle, which is unpacked for the time of the block. Raises UsageError when it is
    none."""
    with opened(path) as folder:
        yield read(folder)


def read(folder: Path) -> JudgedRun:
    """A run by its folder. Requirements that this suite does not know are described by the run's own catalogue.yaml.
    Raises UsageError when it is none."""
    known = {entry.id: entry for entry in catalogue()}
    try:
        path = folder / catalogue_file.NAME
        for entry in (read_yaml(path.read_bytes()) if path.is_file() else None) or ():
            if entry["id"] not in known:
                known[entry["id"]] = catalogue_file.requirement_from(entry)
        judged = stored(folder, known.values())
        check_names(judged.run)
        return judged
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{folder.name}: no finished run: {error}") from error


def check_names(run: Run) -> None:
    """Raise ValueError unless scenarios have plain names: they become paths below the run's folder."""
    for entry in run.scenarios:
        if not _NAME.fullmatch(entry.name) or (entry.recording and not _FOLDER.fullmatch(entry.recording)):
            raise ValueError(f"run.json: scenario {entry.name[:60]!r} in {entry.recording[:60]!r} is no plain name")
