"""Fewer points that tell the same."""

from __future__ import annotations

import numpy as np
import pytest

from reports.sampling import thin


@pytest.fixture
def x() -> np.ndarray:
    return np.arange(10_000, dtype=np.float64)


def test_few_points_all_stay(x: np.ndarray) -> None:
    assert len(thin(x[:10], x[:10], np.zeros(10, bool), 100)) == 10


def test_the_highest_and_what_is_marked_stay(x: np.ndarray) -> None:
    y = np.zeros(10_000)
    y[1234] = 9.0
    keep = np.zeros(10_000, bool)
    keep[777] = True
    chosen = thin(x, y, keep, 100)
    assert {777, 1234} <= set(chosen)
    assert len(chosen) <= 102


def test_where_all_are_marked_their_outline_stays(x: np.ndarray) -> None:
    y = np.zeros(10_000)
    y[1234] = 9.0
    chosen = thin(x, y, np.ones(10_000, bool), 100)
    assert 1234 in chosen
    assert 2 <= len(chosen) <= 102
    assert list(chosen) == sorted(chosen)
