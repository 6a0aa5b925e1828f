"""Where the files lie that the suite is made of: in a checkout, or installed from a wheel.

A wheel holds what a run needs of `fixtures/` inside the package, so that nothing called `fixtures` is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
"""What holds the packages `conformance`, `clusters` and `reports`."""

_INSTALLED: Final = ROOT / "conformance" / "catalogue" / "fixtures"

FIXTURES: Final = _INSTALLED if _INSTALLED.is_dir() else ROOT / "fixtures"
"""Examples, probes and payloads that scenarios name, and the witness's Dockerfile."""
