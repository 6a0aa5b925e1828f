"""Where the programs of the extras are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]


def extra(name: str) -> Path:
    """Where `make NAME` puts an extra: a virtual environment apart from the suite's own."""
    return ROOT / ".extras" / name
