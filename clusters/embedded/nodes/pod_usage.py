"""How much processor time and memory a container uses: what it costs to be there, and what its requests cost."""

from __future__ import annotations

from typing import Final, NamedTuple

MEBIBYTE: Final = 2**20


class Usage(NamedTuple):
    """Processor seconds since a container's start (or per second), and bytes held."""

    cpu_seconds: float
    held_bytes: int


IDLE: Final = Usage(0.001, 16 * MEBIBYTE)
"""Of a witness that nobody asks, per second; metrics-server says 1m and 16 Mi of it on a real cluster."""
IDLE_BESIDE: Final = Usage(0.001, 8 * MEBIBYTE)
"""Of any other container."""
