"""Rows made up for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.load.load_summary import ROWS
from conformance.recording.rows import Row, RowError, RowFlag


def table(rows: Iterable[Row]) -> NDArray[Any]:
    """Rows as the structured array that files are read as."""
    return np.frombuffer(b"".join(row.pack() for row in rows), dtype=ROWS)


def answered(due: float, latency: float, *, late: float = 0.0, status: int = 200, pod: int = 0, **more: Any) -> Row:
    """A request with a complete answer of 10 bytes."""
    sent = due + late
    return Row(due, sent, sent + latency, sent + latency, status=status, pod=pod, body_bytes=10, **more)


def failed(due: float, error: RowError, after: float = 0.0) -> Row:
    """A request without an answer."""
    if error is RowError.DROPPED:
        return Row(due, end=due, error=error)
    if error is RowError.CONNECT:
        return Row(due, end=due + after, error=error)
    flags = RowFlag.CENSORED if error is RowError.TIMEOUT else 0
    return Row(due, due, end=due + after, error=error, flags=flags)
