"""Recordings to judge: real platforms', and simulated ones."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.judge.history import History, read
from conformance.recording.reader import Recording

GOOD = Path(__file__).parents[2] / "fixtures" / "recordings" / "good.tar.xz"


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with all recordings of real, honest platforms."""
    folder = tmp_path_factory.mktemp("recordings")
    with tarfile.open(GOOD) as archive:
        archive.extractall(folder, filter="data")
    return folder / "good"


@pytest.fixture(scope="session")
def real(good_run: Path) -> Callable[[str], History]:
    """A real recording's history by the name of its scenario."""
    known: dict[str, History] = {}

    def of(name: str) -> History:
        if name not in known:
            known[name] = read(Recording(good_run / "recording" / f"{name}-run1"))
        return known[name]

    return of
