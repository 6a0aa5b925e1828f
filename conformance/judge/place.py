"""Opens what `conformance judge` is given: a run folder as it is, an evidence bundle in a temporary folder."""

from __future__ import annotations

import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from conformance.errors import SubmissionError

MAX_BYTES: Final = 2 * 1024**3
"""More than a bundle ever holds: unpacking a stranger's archive has to end."""


@contextmanager
def opened(place: Path) -> Iterator[Path]:
    """The run folder behind a path. Raises SubmissionError when there is none."""
    if place.is_dir():
        yield _run_folder(place)
        return
    if not place.is_file():
        raise SubmissionError(f"{place}: no such run folder or bundle")
    with tempfile.TemporaryDirectory(prefix="conformance-judge-") as name:
        folder = Path(name)
        try:
            with tarfile.open(place, "r:*") as archive:
                members = archive.getmembers()
                if sum(member.size for member in members) > MAX_BYTES:
                    raise SubmissionError(f"{place}: larger than {MAX_BYTES} bytes when unpacked")
                archive.extractall(folder, members=members, filter="data")
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, OverflowError) as error:
            raise SubmissionError(f"{place}: not a readable bundle: {error}") from error
        yield _run_folder(folder)


def _run_folder(place: Path) -> Path:
    if (place / "run.json").is_file():
        return place
    inner = sorted(path.parent for path in place.glob("*/run.json"))
    if len(inner) == 1:
        return inner[0]
    if (place / "recording.json").is_file():
        raise SubmissionError(f"{place}: one recording; give the run folder two levels up, which holds run.json")
    raise SubmissionError(f"{place}: no run.json in it; give a run folder, e.g. reports/runs/latest")
