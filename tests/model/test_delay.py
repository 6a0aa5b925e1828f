"""The scale-down delay."""

from __future__ import annotations

from conformance.model.delay import DelayWindow

T = 1_700_000_000


def test_a_smaller_count_waits_for_the_delay() -> None:
    window = DelayWindow(10)
    assert [window.record(T + 2 * tick, desired) for tick, desired in enumerate([5, 3, 3, 3, 3, 3])] == [
        5,
        5,
        5,
        5,
        5,
        3,
    ]


def test_a_larger_count_counts_at_once() -> None:
    window = DelayWindow(10)
    assert [window.record(T + 2 * tick, desired) for tick, desired in enumerate([2, 4, 3, 6])] == [2, 4, 4, 6]


def test_smaller_peaks_are_remembered_behind_larger_ones() -> None:
    window = DelayWindow(6)
    assert [window.record(T + 2 * tick, desired) for tick, desired in enumerate([9, 7, 5, 3, 1, 1, 1])] == [
        9, 9, 9, 7, 5, 3, 1,
    ]  # fmt: skip


def test_two_decisions_in_one_slot_keep_the_larger() -> None:
    window = DelayWindow(2)
    assert window.record(T, 5) == 5
    assert window.record(T + 1, 3) == 5
    assert window.record(T + 2, 3) == 3


def test_equal_decisions_renew_the_peak() -> None:
    window = DelayWindow(4)
    assert [window.record(T + 2 * tick, desired) for tick, desired in enumerate([5, 5, 1, 1])] == [5, 5, 5, 1]


def test_an_odd_delay_is_rounded_up_to_slots() -> None:
    window = DelayWindow(3)
    assert [window.record(T + 2 * tick, desired) for tick, desired in enumerate([5, 1, 1])] == [5, 5, 1]


def test_slots_are_counted_from_the_epoch() -> None:
    window = DelayWindow(2)
    assert window.record(T + 1.9, 5) == 5
    assert window.record(T + 2.0, 1) == 1


def test_a_gap_longer_than_the_delay_forgets() -> None:
    window = DelayWindow(4)
    window.record(T, 9)
    assert window.record(T + 4, 1) == 1
