"""One-second sums and their means."""

from __future__ import annotations

import pytest

from conformance.model.window import Window, smoothing

T = 1_000


def filled(seconds: float, values: list[float], *, weighted: bool = False, start: int = T) -> Window:
    window = Window(seconds, weighted=weighted)
    for second, value in enumerate(values, start):
        window.record(second, value)
    return window


def test_nothing_written_means_empty_and_zero() -> None:
    for weighted in (False, True):
        window = Window(6, weighted=weighted)
        assert window.is_empty(T)
        assert window.average(T) == 0.0
        assert window.seconds == 6


def test_before_the_window_is_full_the_mean_is_over_the_seconds_seen() -> None:
    window = filled(10, [4.0])
    assert window.average(T) == 4.0
    window.record(T + 1, 2.0)
    assert window.average(T + 1.999) == 3.0


def test_a_full_window_forgets_the_oldest_second() -> None:
    assert filled(3, [9.0, 1.0, 2.0, 3.0]).average(T + 3) == 2.0


def test_values_of_one_second_add_up() -> None:
    window = Window(6)
    window.record(T + 0.1, 1.0)
    window.record(T + 0.9, 2.5)
    assert window.average(T) == 3.5


def test_seconds_skipped_between_writes_count_as_zero() -> None:
    window = filled(10, [6.0])
    window.record(T + 2, 3.0)
    assert window.average(T + 2) == 3.0


def test_skipped_seconds_wipe_what_was_there_a_window_ago() -> None:
    window = filled(4, [8.0, 8.0, 8.0, 8.0])
    window.record(T + 6, 4.0)
    assert window.average(T + 6) == (8.0 + 4.0) / 4


def test_seconds_after_the_last_write_are_no_zeros() -> None:
    window = filled(10, [5.0] * 10)
    assert [window.average(T + 9 + silent) for silent in (0, 1, 5, 9)] == [5.0, 5.0, 5.0, 5.0]
    assert window.average(T + 19) == 0.0


def test_the_mean_of_what_remains_changes_with_what_leaves() -> None:
    window = filled(4, [1.0, 2.0, 3.0, 6.0])
    assert [window.average(T + 3 + silent) for silent in range(5)] == [3.0, round(11 / 3, 6), 4.5, 6.0, 0.0]


def test_a_partly_filled_window_keeps_its_span_while_silent() -> None:
    window = filled(10, [6.0, 0.0])
    assert window.average(T + 8) == 3.0
    assert window.average(T + 10) == 0.0


def test_a_window_is_empty_only_after_its_length() -> None:
    window = filled(6, [1.0])
    assert not window.is_empty(T + 6.999)
    assert window.is_empty(T + 7)


def test_a_late_value_joins_its_second_and_may_move_the_beginning_back() -> None:
    window = filled(10, [4.0])
    window.record(T - 1, 2.0)
    assert window.average(T) == 3.0
    window.record(T - 9, 4.0)
    assert window.average(T) == 1.0
    window.record(T - 3, 5.0)
    assert window.average(T) == 1.5


def test_a_value_a_whole_window_old_is_dropped() -> None:
    window = filled(10, [4.0])
    window.record(T - 10, 100.0)
    assert window.average(T) == 4.0


def test_a_value_of_the_future_counts_at_once() -> None:
    window = filled(10, [4.0])
    window.record(T + 1, 8.0)
    assert window.average(T) == 6.0


def test_a_silence_of_a_whole_window_starts_afresh() -> None:
    window = filled(6, [5.0] * 6)
    window.record(T + 5 + 6, 2.0)
    assert window.average(T + 11) == 2.0
    kept = filled(6, [5.0] * 6)
    kept.record(T + 5 + 5, 2.0)
    assert kept.average(T + 10) == round(7 / 6, 6)


def test_the_mean_has_six_decimals() -> None:
    assert filled(3, [1.0, 0.0, 0.0]).average(T + 2) == 0.333333


def test_net_values_may_be_negative() -> None:
    assert filled(4, [-1.0, -2.0]).average(T + 1) == -1.5


@pytest.mark.parametrize(
    ("buckets", "weight"), [(1, 0.9999), (6, 0.7845565309968116), (10, 0.6018928294465028), (42, 0.2), (60, 0.2)]
)
def test_the_weight_of_the_newest_second_shrinks_with_the_window_down_to_a_fifth(buckets: int, weight: float) -> None:
    assert smoothing(buckets) == pytest.approx(weight, abs=1e-12)


def test_the_weighted_mean_halves_the_past_and_is_not_corrected_for_the_unseen() -> None:
    window = filled(60, [10.0], weighted=True)
    assert window.average(T) == pytest.approx(2.0)
    window.record(T + 1, 5.0)
    assert window.average(T + 1) == pytest.approx(5 * 0.2 + 10 * 0.2 * 0.8)


def test_silence_decays_the_weighted_mean() -> None:
    window = filled(60, [10.0], weighted=True)
    assert window.average(T + 3) == pytest.approx(10 * 0.2 * 0.8**3)
    assert window.average(T - 3) == pytest.approx(2.0)


def test_a_weighted_mean_ends_with_its_window() -> None:
    window = filled(6, [10.0] * 6, weighted=True)
    a = 0.7845565309968116
    assert window.average(T + 5) == pytest.approx(10 * a * sum((1 - a) ** age for age in range(6)))
    assert window.average(T + 10) == pytest.approx(10 * a * (1 - a) ** 5)
    assert window.average(T + 11) == 0.0
    assert window.average(T + 12) == 0.0


def test_shrinking_keeps_the_newest_seconds() -> None:
    window = filled(10, [float(value) for value in range(10)])
    window.resize(4, T + 9)
    assert window.seconds == 4
    assert window.average(T + 9) == (6 + 7 + 8 + 9) / 4
    window.record(T + 10, 2.0)
    assert window.average(T + 10) == (7 + 8 + 9 + 2) / 4


def test_growing_keeps_all_and_counts_the_old_window_as_seen() -> None:
    window = filled(4, [8.0])
    window.resize(10, T)
    assert window.average(T) == 2.0
    for second in range(1, 7):
        window.record(T + second, 8.0)
    assert window.average(T + 6) == round(56 / 10, 6)


def test_resizing_after_a_silence_longer_than_the_window_forgets_all() -> None:
    window = filled(4, [8.0] * 4)
    window.resize(10, T + 3 + 5)
    assert window.average(T + 8) == 0.0
    window.record(T + 9, 6.0)
    assert window.average(T + 9) == 6.0
    late = filled(4, [8.0] * 4)
    late.resize(10, T + 3 + 4)
    assert late.average(T + 3) == 8.0


def test_a_value_of_the_last_second_before_such_a_resize_counts_over_the_whole_window() -> None:
    window = filled(4, [8.0] * 4)
    window.resize(10, T + 3 + 5)
    window.record(T + 3, 5.0)
    assert window.average(T + 3) == 0.5
    window.record(T + 2, 5.0)
    assert window.average(T + 3) == 5.0


def test_resizing_to_the_same_length_changes_nothing() -> None:
    window = filled(4, [8.0])
    window.resize(4, T + 100)
    assert window.average(T) == 8.0


def test_resizing_an_unused_window_leaves_it_unused() -> None:
    window = Window(4)
    window.resize(6, T)
    assert window.is_empty(T)
    window.record(T, 3.0)
    assert window.average(T) == 3.0


def test_resizing_changes_the_weights() -> None:
    window = filled(60, [10.0], weighted=True)
    window.resize(6, T)
    assert window.average(T) == pytest.approx(10 * 0.7845565309968116)


def test_a_fraction_of_a_second_needs_a_bucket_of_its_own() -> None:
    window = filled(2.5, [1.0, 2.0, 3.0])
    assert window.average(T + 2) == 2.0


def test_a_young_window_spans_what_it_has_seen() -> None:
    window = Window(6.0)
    assert window.span_seconds == 0
    for second, span in [(100, 1), (102, 3), (105, 6), (109, 6)]:
        window.record(float(second), 1.0)
        assert window.span_seconds == span
