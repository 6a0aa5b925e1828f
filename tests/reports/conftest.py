from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import reports
from conformance.judge.judged_run import store, stored
from conformance.judge.judging import judge_run
from tests.reports.folders import CATALOGUE, run_folder, stairway


@pytest.fixture(scope="session")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = run_folder(tmp_path_factory.mktemp("written"))
    reports.write(stored(folder, CATALOGUE))
    return folder


@pytest.fixture
def written(_written: Path, tmp_path: Path) -> Path:
    """A reported run with one of every verdict, judged by hand."""
    return Path(shutil.copytree(_written, tmp_path / _written.name))


@pytest.fixture(scope="session")
def _submitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    story = stairway(pods=4, load_seconds=10.0, leaving=34.0)
    folder = run_folder(tmp_path_factory.mktemp("submitted"), (), stories=(story,), features=())
    judged = judge_run(folder)
    store(judged)
    reports.write(judged)
    return folder


@pytest.fixture
def submitted(_submitted: Path, tmp_path: Path) -> Path:
    """A reported run of the real catalogue that keeps every rule."""
    return Path(shutil.copytree(_submitted, tmp_path / _submitted.name))


@pytest.fixture(scope="session")
def _selected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    story = stairway(pods=4, load_seconds=10.0, leaving=34.0)
    profiles = ("autoscaling-kpa", "standard-hpa")
    folder = run_folder(tmp_path_factory.mktemp("selected"), (), stories=(story,), features=(), profiles=profiles)
    judged = judge_run(folder)
    store(judged)
    reports.write(judged)
    return folder


@pytest.fixture
def selected(_selected: Path, tmp_path: Path) -> Path:
    """A reported run of one scenario out of two profiles, as `--only` leaves it."""
    return Path(shutil.copytree(_selected, tmp_path / _selected.name))


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[Path], Path]:
    return lambda folder: Path(shutil.copytree(folder, tmp_path / "copy"))
