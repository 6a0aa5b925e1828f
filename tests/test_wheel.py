"""What a wheel holds, and that it is the same suite."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from clusters.images.witness_build import build_context, built_witness
from conformance.base.locations import ROOT
from conformance.base.suite_version import catalogue_digest, examples_digest, source_digest

LARGEST_BYTES = 1_500_000
PROGRAM = """
import sys; sys.path.insert(0, sys.argv[1])
import conformance.base.suite_version as it
assert it.__file__.startswith(sys.argv[1]), it.__file__
from conformance.catalogue.scenario import scenarios
from conformance.base.locations import FIXTURES
assert all((FIXTURES / entry.manifest).is_file() for entry in scenarios().values())
print(it.source_digest(), it.catalogue_digest(), it.examples_digest())
"""
BUILD = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from clusters.images.witness_build import base_image, build_context, built_witness
print(built_witness(), base_image().partition("@")[0])
with build_context() as (dockerfile, folder):
    assert dockerfile.is_file()
    print(*sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


def test_a_wheel_installs_three_packages_and_is_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"conformance", "clusters", "reports"}
    assert {f"{top}/py.typed" for top in tops} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "published" in name or name.startswith("fixtures/") or name.endswith(".rows")]
    assert wheel.stat().st_size < LARGEST_BYTES


def run(program: str, folder: Path) -> list[str]:
    """What a program prints whose suite is that of a folder."""
    words = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout.split()


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_a_wheel_is_the_same_suite_as_its_checkout(installed: Path) -> None:
    assert run(PROGRAM, installed) == [source_digest(), catalogue_digest(), examples_digest()]


def test_a_wheel_builds_the_same_witness_as_its_checkout(installed: Path) -> None:
    with build_context() as (_, folder):
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert run(BUILD, installed) == [built_witness(), "docker.io/library/python:3.13-slim-bookworm", *files]
    assert {"fixtures/witness/requirements.txt", "clusters/witness/as_model.py"} <= set(files)
