"""Rows are read from disk as they are, and sums of millions are those of a plain addition to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.judge.arrivals import ROWS, STRIDE, Load, Occupancy, read
from conformance.judge.mapped_rows import PIECE_ROWS, MappedRows, pieces
from conformance.recording.load_lines import RecordedPlan
from conformance.recording.reader import LoadFile


def test_rows_beyond_one_piece_are_those_of_the_file(tmp_path: Path) -> None:
    made = np.zeros(PIECE_ROWS + 17, ROWS)
    made["sent"] = np.random.default_rng(1).uniform(0, 100, len(made))
    made["pod"] = np.arange(len(made)) % 4
    path = tmp_path / "load-0.rows"
    path.write_bytes(made.tobytes() + b"torn")
    (load,) = read([LoadFile(0, path, ("a",), RecordedPlan(), (), {}, ())])
    assert isinstance(load.rows, MappedRows)
    assert np.array_equal(load.rows["sent"], made["sent"])
    assert np.array_equal(load.rows[made["pod"] == 3], made[made["pod"] == 3])
    assert np.array_equal(load.rows[5 : PIECE_ROWS + 9]["sent"], made[5 : PIECE_ROWS + 9]["sent"])
    assert load.rows[7] == made[7]
    assert np.array_equal(np.sort(load.rows, order="sent"), np.sort(made, order="sent"))
    assert [len(piece) for piece in pieces(load.rows)] == [PIECE_ROWS, 17]


@pytest.mark.skipif(not Path("/proc/self/smaps").is_file(), reason="reads Linux's table of mapped memory")
def test_a_column_leaves_nothing_of_the_file_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "load-0.rows"
    np.zeros(2 * PIECE_ROWS, ROWS).tofile(path)
    (load,) = read([LoadFile(0, path, (), RecordedPlan(), (), {}, ())])
    load.rows["end"].sum()
    lines = Path("/proc/self/smaps").read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.endswith("load-0.rows"))
    resident = next(line for line in lines[begin:] if line.startswith("Rss:"))
    assert int(resident.split()[1]) < PIECE_ROWS * ROWS.itemsize // 1024 // 4


def test_rows_are_told_apart_by_who_served_them() -> None:
    made = np.zeros(20, ROWS)
    made["pod"] = np.arange(20) % 4
    load = Load(0, RecordedPlan(), (), made, np.array(["", "a", "b"], dtype=object))
    # A number without a name is the last one's, as a torn file of names may end too early.
    assert np.array_equal(load.served_by("b"), made["pod"] >= 2)
    assert np.array_equal(load.served_by("a", ""), made["pod"] < 2)
    assert not load.served_by("c").any()
    assert np.array_equal(load.served_by("a", rows=made[:9]), made["pod"][:9] == 1)
    assert list(load.pods[:4]) == ["", "a", "b", "b"]


@settings(max_examples=20)
@given(
    st.integers(0, 3 * STRIDE * 1024).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, 99))),
    st.lists(st.floats(-5.0, 105.0), min_size=2, max_size=8),
)
def test_occupancy_is_what_plain_sums_give_to_the_last_bit(size: tuple[int, int], moments: list[float]) -> None:
    count, seed = size
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, 100, count)
    ends = starts + rng.exponential(1.0, count)
    at = np.array(moments)

    def spent(times: np.ndarray) -> np.ndarray:
        ordered = np.sort(times)
        number = np.searchsorted(ordered, at)
        found: np.ndarray = number * at - np.concatenate(([0.0], np.cumsum(ordered)))[number]
        return found

    assert np.array_equal(Occupancy(starts, ends).until(at), spent(starts) - spent(ends))


def test_nothing_is_open_between_requests_to_the_last_bit() -> None:
    """Differences of large sums leave a residue that an autoscaler would be thought to have heard."""
    rng = np.random.default_rng(7)
    starts = np.sort(rng.uniform(0.0, 3000.0, 40_000))
    found = Occupancy(starts, np.sort(starts + rng.uniform(0.01, 0.9, len(starts))))
    begins = np.arange(3010.0, 3600.0)
    assert np.any(np.diff(found.until(np.append(begins, 3600.0))) != 0.0)
    assert np.all(found.between(begins, begins + 1.0) == 0.0)
    assert found.between(np.array([0.0]), np.array([3600.0]))[0] > 1000.0
