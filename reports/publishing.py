"""Our own baseline runs as submissions: `python -m reports.publishing RUN` lays one out below reports/published/.

A submission is checked by the release that wrote it, so publishing also enters the running suite among the releases.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from conformance.base.errors import ConformanceError, UsageError
from conformance.base.suite_version import suite_version
from reports import manifest, releases
from reports.bundle import bundle, read_yaml
from reports.document import slug

PUBLISHED: Final = Path(__file__).parent / "published"


def publish(folder: Path, place: Path = PUBLISHED) -> Path:
    """Copy report, README and bundle of a finished run to `v<suite>/<organization>-<project>/`; returns that folder."""
    report = read_yaml((folder / manifest.REPORT).read_bytes())
    if report["suite"]["sourceDigest"] != releases.running().source_digest:
        raise UsageError(f"{folder} was written by another suite than this one; run again")
    made = report["implementation"]
    target = place / f"v{suite_version()}" / f"{slug(made['organization'])}-{slug(made['project'])}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in (manifest.REPORT, manifest.README):
        shutil.copyfile(folder / name, target / name)
    bundle(folder, target / report["evidence"]["bundle"])
    releases.add(releases.running())
    return target


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{publish(Path(sys.argv[1]))}\n")
    except (ConformanceError, OSError, IndexError) as error:
        sys.exit(f"error: {error}")
