"""An audit of what others wrote, as far as one can be made without a network: locks, licences, files, use.

Known vulnerabilities are what `make audit` asks a database for.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parent.parent
LOCKS: Final = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.lock", ".ci/*.lock", "clusters/embedded/programs/*.lock", "reports/allure/*.lock")
    for path in ROOT.glob(pattern)
)
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PERMITTED: Final = re.compile(
    r"MIT|BSD|Apache|0BSD|Zlib|CC0-1\.0|PSF|Python Software Foundation|MPL|Mozilla Public License 2\.0|ISC"
)
"""Permissive, or copyleft by the file alone."""
LOADED_BY_NAME: Final = {
    "allure-pytest": "a pytest plugin",
    "pytest-asyncio": "a pytest plugin",
    "uvloop": "uvicorn's and the load generator's loop, where there is one",
}


def pins(lock: Path) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of each package in a lock."""
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+)", line):
            name = canonicalize_name(match[1])
            found[name] = (match[2], 0)
        elif line.strip().startswith("--hash=sha256:"):
            version, hashes = found[name]
            found[name] = (version, hashes + 1)
        elif line.strip() and not line.lstrip().startswith("#"):
            raise AssertionError(f"{lock.name}: {line!r} is no pinned package")
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    locked = pins(ROOT / name)
    assert locked
    assert [package for package, (_, hashes) in locked.items() if not hashes] == []


def test_locks_are_in_step_with_the_project() -> None:
    run = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["build"]]
    dev = [*run, *PROJECT["optional-dependencies"]["dev"]]
    for name, wanted in (("requirements.lock", run), ("requirements-dev.lock", dev)):
        locked = pins(ROOT / name)
        for text in wanted:
            requirement = Requirement(text)
            package = canonicalize_name(requirement.name)
            assert package in locked, f"{name} lacks {package}: make lock"
            version = locked[package][0]
            assert requirement.specifier.contains(version), (
                f"{name}: {package} {version} is not {requirement.specifier}"
            )


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = pins(ROOT / "requirements.lock"), pins(ROOT / "requirements-dev.lock")
    assert {name: version for name, (version, _) in run.items()}.items() <= {
        name: version for name, (version, _) in dev.items()
    }.items()


def installed() -> Iterator[metadata.Distribution]:
    """Every distribution here but the project itself."""
    for found in metadata.distributions():
        if canonicalize_name(found.metadata["Name"]) != canonicalize_name(PROJECT["name"]):
            yield found


INSTALLED = list(installed())


def test_what_is_installed_is_what_is_locked() -> None:
    locked = pins(ROOT / "requirements-dev.lock")
    found = {canonicalize_name(each.metadata["Name"]): each.version for each in INSTALLED}
    assert {name: version for name, version in found.items() if locked.get(name, ("",))[0] != version} == {}


@pytest.mark.parametrize("found", INSTALLED, ids=lambda each: str(each.metadata["Name"]))
def test_every_installed_file_is_the_one_its_wheel_names(found: metadata.Distribution) -> None:
    listed = [file for file in found.files or () if file.hash and file.suffix != ".pyc"]
    assert listed
    changed = []
    for file in listed:
        assert file.hash is not None
        digest = hashlib.new(file.hash.mode, Path(str(found.locate_file(file))).read_bytes()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != file.hash.value:
            changed.append(str(file))
    assert changed == []


def field(found: metadata.Distribution, name: str) -> str | None:
    """A field of the metadata, None when it is not stated."""
    return next(iter(found.metadata.get_all(name) or ()), None)


@pytest.mark.parametrize("found", INSTALLED, ids=lambda each: str(each.metadata["Name"]))
def test_every_licence_lets_a_vendor_use_the_suite(found: metadata.Distribution) -> None:
    stated = field(found, "License-Expression")
    if stated is None:
        classified = [line for line in found.metadata.get_all("Classifier") or () if line.startswith("License ::")]
        texts = (file.read_text()[:400] for file in found.files or () if file.name.startswith("LICENSE"))
        stated = "; ".join(classified) or field(found, "License") or "\n".join(texts)
    assert PERMITTED.search(stated), stated
    assert not re.search(r"(?i)\b[AL]?GPL|GNU (Affero|Lesser|General)", stated), stated


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    """A package that nothing imports is one more to trust for nothing; one that came along may not come again, unless
    it is what a declared one hands out."""
    imported: set[str] = set()
    for package in ("conformance", "clusters", "fixtures", "reports"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    imported.add((node.module or "").partition(".")[0])
    modules = metadata.packages_distributions()
    used = {canonicalize_name(name) for module in imported for name in modules.get(module, ())}
    wanted = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert wanted - used - LOADED_BY_NAME.keys() == set()
    theirs = {canonicalize_name(Requirement(text).name) for name in wanted for text in metadata.requires(name) or ()}
    assert used - wanted - theirs - {canonicalize_name(PROJECT["name"])} == set()
