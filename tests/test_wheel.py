"""What a wheel holds, and that it is the same suite."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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


def test_a_wheel_is_the_same_suite_as_its_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == [source_digest(), catalogue_digest(), examples_digest()]
