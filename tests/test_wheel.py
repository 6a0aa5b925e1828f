"""What a wheel holds, and that it is the same suite."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
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


IMAGE = ROOT / "fixtures" / "suite"


def built(source: Path, folder: Path) -> Path:
    """The wheel of a folder with the project."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, tmp_path_factory.mktemp("wheel"))


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


def let_through(name: str) -> bool:
    """Whether a file is in the context that the image is built from: the last rule that fits decides."""
    parts, kept = name.split("/"), True
    for line in (IMAGE / "Dockerfile.dockerignore").read_text("utf-8").splitlines():
        pattern = line.lstrip("!")
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        if pattern.startswith("**/"):
            above, pattern = parts, pattern.removeprefix("**/")
        if any(fnmatch.fnmatch(each, pattern) and each.count("/") == pattern.count("/") for each in above):
            kept = line.startswith("!")
    return kept


def crcs(path: Path) -> dict[str, int]:
    """Of a wheel's files."""
    return {each.filename: each.CRC for each in zipfile.ZipFile(path).infolist()}


def test_the_images_context_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    context = [name for name in names if let_through(name) and (ROOT / name).is_file()]
    for name in context:
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    again = built(tmp_path / "source", tmp_path / "again")
    assert crcs(again) == crcs(wheel)
    assert not [name for name in context if name.startswith(("tests/", "docs/", "reports/published/", "."))]


def test_the_image_is_small_locked_and_without_root() -> None:
    text = (IMAGE / "Dockerfile").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    base = re.search(r"^ARG BASE=(\S+@sha256:[0-9a-f]{64})$", text, re.MULTILINE)
    assert base
    assert f"ARG BASE={base[1]}\n" in (ROOT / "fixtures" / "witness" / "Dockerfile").read_text("utf-8")
    *_, last = text.split("FROM ${BASE}")
    assert re.findall(r"^USER (.*)", last, re.MULTILINE) == ["65532:65532"]
    assert re.findall(r'^ENTRYPOINT \["(.*)"\]', last, re.MULTILINE) == list(project["scripts"])
    assert "--require-hashes --requirement /requirements.lock" in text
    # Every other installation is of what was built here, with nothing from an index.
    assert text.count("install --no-cache-dir") == 2
    assert "--no-index --no-deps /wheel/*.whl" in text


def test_what_the_image_leaves_behind_is_only_there_to_build_the_wheel() -> None:
    text = (IMAGE / "Dockerfile").read_text("utf-8")
    match = re.search(r"uninstall --yes (.*?) &&", text)
    assert match
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    builders = {"hatchling", "editables"}
    for name in match[1].split():
        block = re.search(rf"^{re.escape(name)}==.*\n(?: +--hash.*\n)+((?: +#.*\n)+)", lock, re.MULTILINE)
        assert block, name
        users = set(re.findall(r"#(?:\s+via)?\s+([\w.-]+)", block[1])) - {"via"}
        assert users <= builders | {"serving-conformance"}, f"{name} is needed by {users}"
        assert "serving-conformance" not in users or name in builders


def test_packages_of_every_image_can_come_from_a_mirror() -> None:
    """pip takes PIP_INDEX_URL from its environment, and a build has of arguments only those that its stage declares."""
    for name in ("suite", "witness", "load"):
        _, stage, _ = (ROOT / "fixtures" / name / "Dockerfile").read_text("utf-8").split("FROM ${BASE}")
        before, *_ = stage.partition("-m pip")
        assert re.findall(r"^ARG (.*)$", before, re.MULTILINE) == ["PIP_INDEX_URL", "PIP_TRUSTED_HOST"], name
