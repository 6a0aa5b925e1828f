"""Which suites may have written a submission: the released ones, by version and digests, and the one that is running.

A release's own digests cannot stand in it; they are added here right after it, by `python -m reports.releases`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from conformance.base.suite_version import catalogue_digest, examples_digest, source_digest, suite_version

FILE: Final = Path(__file__).parent / "releases.json"


@dataclass(frozen=True, slots=True)
class Release:
    """One released suite."""

    version: str
    source_digest: str
    catalogue_digest: str
    examples_digest: str


def running() -> Release:
    """The suite that is running."""
    return Release(suite_version(), source_digest(), catalogue_digest(), examples_digest())


def releases() -> tuple[Release, ...]:
    """All that are known, the running one last."""
    value = json.loads(FILE.read_text(encoding="utf-8"))
    return (*(Release(**entry) for entry in value["releases"]), running())


def add(release: Release) -> None:
    """Add a release to the file, once."""
    known = list(dict.fromkeys([*releases()[:-1], release]))
    text = json.dumps({"releases": [asdict(entry) for entry in known]}, indent=2)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    add(running())
    sys.stdout.write(f"added {running().version}\n")
