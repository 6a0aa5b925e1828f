"""HDR histograms: right counts, right values, and merging equals building from all."""

from __future__ import annotations

import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.load.histograms import build, merge
from conformance.recording.rows import Row, RowError
from tests.load.making import answered, failed, table

latencies = st.lists(st.floats(1e-5, 100.0), min_size=1, max_size=50)


def test_each_phase_pod_and_kind_of_answer_has_its_own() -> None:
    rows = [answered(0.0, 0.1, pod=1)] * 3 + [answered(0.0, 0.2, pod=2, status=503)] * 2
    rows += [answered(0.0, 0.1, phase=1), failed(0.0, RowError.TIMEOUT, 5.0), failed(0.0, RowError.DROPPED)]
    found = build([table(rows)], ["a", "b"])
    assert [(entry.phase, entry.pod, entry.kind, entry.count) for entry in found] == [
        (0, "", "timeout", 1), (0, "a", "2xx", 3), (0, "b", "5xx", 2), (1, "", "2xx", 1),
    ]  # fmt: skip


def test_values_are_microseconds_to_three_digits() -> None:
    (entry,) = build([table([answered(0.0, 0.123456)] * 10)], [])
    assert HdrHistogram.decode(entry.hdr).get_value_at_percentile(50) == pytest.approx(123_456, rel=1e-3)


@settings(max_examples=20)
@given(latencies, latencies)
def test_merging_two_is_building_from_both(first: list[float], second: list[float]) -> None:
    def rows(values: list[float]) -> list[Row]:
        return [answered(0.0, value, pod=1) for value in values]

    apart = merge([*build([table(rows(first))], ["a"]), *build([table(rows(second))], ["a"])])
    (together,) = build([table(rows(first)), table(rows(second))], ["a"])
    assert apart[0].count == together.count == len(first) + len(second)
    left, right = HdrHistogram.decode(apart[0].hdr), HdrHistogram.decode(together.hdr)
    for percent in (0, 50, 99, 100):
        assert left.get_value_at_percentile(percent) == right.get_value_at_percentile(percent)
