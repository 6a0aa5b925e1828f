"""Kubernetes' time texts."""

from __future__ import annotations

from datetime import datetime


def unix(text: object) -> float | None:
    """A time text as Unix seconds; None for none or nonsense."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
