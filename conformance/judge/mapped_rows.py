"""Rows that stay on disk: columns are copied out of the mapped file piece by piece, and each piece is let go of again.

A map counts as memory of the process for as long as its pages have been touched, and reading one column of rows touches
all of them. Ten million rows are 720 MB; a column of times is 80 MB.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

CHUNK_ROWS: Final = 1 << 18


class MappedRows(np.memmap):
    """A structured array on disk. `rows[name]` and `rows[mask]` are copies, also where an array would give a view."""

    def __getitem__(self, key: Any) -> Any:
        if len(self) <= CHUNK_ROWS:
            return super().__getitem__(key)
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, np.ndarray) and key.dtype == np.bool_ and key.shape == (len(self),):
            return self._chosen(key)
        return super().__getitem__(key)

    def _column(self, name: str) -> NDArray[Any]:
        found = np.empty(len(self), self.dtype[name])
        for begin in range(0, len(self), CHUNK_ROWS):
            part = slice(begin, begin + CHUNK_ROWS)
            found[part] = super().__getitem__(part).view(np.ndarray)[name]
            release(self)
        return found

    def _chosen(self, mask: NDArray[Any]) -> NDArray[Any]:
        found = np.empty(int(mask.sum()), self.dtype)
        filled = 0
        for begin in range(0, len(self), CHUNK_ROWS):
            part = slice(begin, begin + CHUNK_ROWS)
            rows = super().__getitem__(part).view(np.ndarray)[mask[part]]
            found[filled : filled + len(rows)] = rows
            filled += len(rows)
            release(self)
        return found


def mapped(path: Path, dtype: np.dtype[Any], count: int) -> MappedRows:
    """The first `count` rows of a file, at least one."""
    return MappedRows(path, dtype, "r", shape=(count,))


def release(rows: NDArray[Any]) -> None:
    """Let go of a map's pages; they are read again when they are needed. Arrays in memory are left alone."""
    held = getattr(rows, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)
