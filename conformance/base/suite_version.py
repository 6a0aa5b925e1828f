"""Which suite this is: its version and the digests of what decides verdicts."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from conformance.base.locations import ROOT

PACKAGE: Final = "serving-conformance"

_SOURCES: Final = ("conformance", "clusters", "reports", "fixtures")
_CATALOGUE: Final = ("conformance/catalogue/requirements", "conformance/catalogue/scenarios")
_EXAMPLES: Final = ("fixtures/examples", "fixtures/probes", "fixtures/payloads")
_BESIDE: Final = (("reports", "runs"), ("reports", "published"), ("reports", "releases.json"))
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
    """sha256 over the sorted relative names and contents of the files below folders of the project."""
    total = hashlib.sha256()
    paths = sorted(
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in _ENDINGS and path.is_file() and "__pycache__" not in path.parts and _released(path)
    )
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(ROOT).as_posix()}\0{content}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _released(path: Path) -> bool:
    """Runs, published ones and the list of older releases lie below reports/ and are not part of the suite."""
    return path.relative_to(ROOT).parts[:2] not in _BESIDE
