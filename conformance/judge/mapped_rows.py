"""Rows that stay on disk: what is looked at is copied out of the mapped file piece by piece.

A map counts as memory of the process for as long as its pages have been touched, and reading one column of rows touches
all of them. Ten million rows are 720 MB; a column of times is 80 MB. Held in memory, with the arrays that are made of
them, they take 1.1 GiB; so, 0.7 GiB.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PIECE_ROWS: Final = 1 << 18


class MappedRows(np.memmap):
    """A structured array on disk. `rows[name]` and `rows[mask]` are copies, also where an array would give a view."""

    def __getitem__(self, key: Any) -> Any:
        if len(self) > PIECE_ROWS and isinstance(key, str):
            column = np.empty(len(self), self.dtype[key])
            for part, piece in zip(pieces(column), pieces(self), strict=True):
                part[:] = piece[key]
            return column
        if len(self) > PIECE_ROWS and isinstance(key, np.ndarray) and key.dtype == np.bool_:
            return np.concatenate([piece[chosen] for piece, chosen in zip(pieces(self), pieces(key), strict=True)])
        return super().__getitem__(key)


def pieces(rows: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array's parts in order; what a map had to read for one is let go of with it."""
    held = getattr(rows, "_mmap", None)
    plain = rows.view(np.ndarray)
    for begin in range(0, len(rows), PIECE_ROWS):
        yield plain[begin : begin + PIECE_ROWS]
        if held is not None and hasattr(mmap, "MADV_DONTNEED"):
            held.madvise(mmap.MADV_DONTNEED)
