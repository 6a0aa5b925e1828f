"""Which suite this is: its version and the digests of what decides verdicts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from conformance.base.locations import FIXTURES, ROOT

PACKAGE: Final = "serving-conformance"

_EXAMPLES: Final = ("fixtures/examples", "fixtures/probes", "fixtures/payloads")
_SOURCES: Final = ("conformance", "clusters", "reports", *_EXAMPLES)
_CATALOGUE: Final = ("conformance/catalogue/requirements", "conformance/catalogue/scenarios")
_BESIDE: Final = (
    ("reports", "runs"),
    ("reports", "logs"),
    ("reports", "published"),
    ("reports", "allure"),
    ("reports", "releases.json"),
    ("conformance", "catalogue", "fixtures"),
)
"""Not part of the suite, or counted under another name: a wheel holds the examples inside the package."""
_ENDINGS: Final = (".py", ".yaml", ".yml", ".json", ".html", ".js", ".css", ".j2", ".png")


@cache
def suite_version() -> str:
    """Version of the installed package."""
    return version(PACKAGE)


@cache
def source_digest() -> str:
    """Digest of all code and data of the suite, as `sha256:...`."""
    return digest(*_SOURCES)


@cache
def catalogue_digest() -> str:
    """Digest of the requirements and scenarios."""
    return digest(*_CATALOGUE)


@cache
def examples_digest() -> str:
    """Digest of the manifests and payloads."""
    return digest(*_EXAMPLES)


def digest(*folders: str) -> str:
    """sha256 over the sorted names and contents of the files below folders of the project; the same in a checkout and
    installed from a wheel."""
    total = hashlib.sha256()
    for name, path in sorted(_files(folders)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name}\0{content}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _files(folders: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Names as in a checkout, and where the files lie."""
    for folder in folders:
        top, _, below = folder.partition("/")
        place = FIXTURES / below if top == "fixtures" else ROOT / folder
        for path in place.rglob("*"):
            name = f"{folder}/{path.relative_to(place).as_posix()}"
            if path.suffix in _ENDINGS and path.is_file() and "__pycache__" not in path.parts and _released(name):
                yield name, path


def _released(name: str) -> bool:
    parts = tuple(name.split("/"))
    return not any(parts[: len(beside)] == beside for beside in _BESIDE)
