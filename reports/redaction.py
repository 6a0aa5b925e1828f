"""What a bundle never holds."""

from __future__ import annotations

from typing import Final

REDACTIONS: Final = ("bearer-tokens", "node-names", "cluster-addresses")
"""Kinds of names and secrets that recordings carry only as pseudonyms."""
