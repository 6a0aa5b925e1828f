"""The summary: hey's figures from rows, with errors and drops in the table."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.load.generator_findings import GeneratorFinding
from conformance.load.load_summary import LoadSummary, summarise
from conformance.load.summary_text import render
from conformance.recording.rows import Row, RowError
from tests.load.making import answered, failed, table

PLAN = {"start": 10.0, "phases": [{"shape": "constant", "seconds": 10.0, "rate": 10.0}]}


def summary_of(rows: list[Row], plan: dict[str, object] = PLAN, chunk: int = 1000) -> LoadSummary:
    chunks = [table(rows[at : at + chunk]) for at in range(0, len(rows), chunk)]
    return summarise(iter(chunks), ["pod-a", "pod-b"], plan)


def test_rates_of_arrivals_sending_and_answers_stand_apart() -> None:
    rows = [answered(10.0 + number * 0.1, 0.05) for number in range(90)]
    rows += [failed(19.0, RowError.DROPPED)] * 4 + [failed(19.5, RowError.RESET, 0.5)] * 6
    found = summary_of(rows)
    assert (found.arrivals, found.sent, found.answered, found.errors, found.dropped) == (100, 96, 90, 6, 4)
    assert found.offered_rate == pytest.approx(10.0)
    assert found.sent_rate == pytest.approx(9.6)
    assert found.answered_rate == pytest.approx(9.0)
    assert found.requests_rate == pytest.approx(9.6)
    assert found.total_seconds == pytest.approx(10.0)
    assert found.error_classes == {"reset": 6, "dropped": 4}


@given(st.lists(st.floats(0.0001, 10.0), min_size=1, max_size=300), st.integers(1, 70))
def test_percentiles_are_nearest_rank_of_all_samples_however_they_are_chunked(
    latencies: list[float], chunk: int
) -> None:
    found = summary_of([answered(10.0, latency) for latency in latencies], chunk=chunk)
    ranked = sorted(latencies)
    for percent, value in found.service.percentiles.items():
        rank = -(-len(ranked) * percent // 100)
        assert value == pytest.approx(ranked[rank - 1], rel=1e-5)
    assert found.service.average == pytest.approx(statistics.fmean(latencies), rel=1e-5)
    assert sum(count for _, count in found.histogram) == len(latencies)


def test_a_timeout_counts_with_what_was_waited_and_is_marked() -> None:
    rows = [answered(10.0, 0.1)] * 90 + [failed(10.0, RowError.TIMEOUT, 5.0)] * 10
    found = summary_of(rows)
    assert (found.service.samples, found.service.censored) == (100, 10)
    assert found.service.percentiles[90] == pytest.approx(0.1)
    assert found.service.percentiles[95] == pytest.approx(5.0)
    assert found.service.censored_from == 95
    text = render(found)
    assert "  95% in 5.0000 secs or more\n" in text
    assert "  90% in 0.1000 secs\n" in text


def test_a_late_request_is_slow_for_its_user_and_not_for_the_server() -> None:
    found = summary_of([answered(10.0, 0.1, late=0.9)] * 10)
    assert found.service.average == pytest.approx(0.1)
    assert found.from_due.average == pytest.approx(1.0)


def test_pods_and_phases_have_lines_of_their_own() -> None:
    plan = {"start": 0.0, "phases": [{"shape": "closed", "seconds": 1.0}, {"shape": "burst", "seconds": 1.0}]}
    rows = [answered(0.0, 0.2, pod=1, in_flight=2, high_water=3)] * 3
    rows += [answered(1.0, 0.4, pod=2, phase=1, status=500)] * 2
    found = summary_of(rows, plan)
    first, second = found.pods
    assert (first.name, first.answers, first.errors, first.most_in_flight, first.high_water) == ("pod-a", 3, 0, 2, 3)
    assert (second.name, second.answers, second.errors) == ("pod-b", 2, 2)
    assert first.p50 == pytest.approx(0.2, rel=0.01)
    assert [(line.phase, line.shape, line.answers) for line in found.phases] == [(1, "closed", 3), (2, "burst", 2)]


def test_the_histogram_is_linear_and_its_first_line_holds_the_fastest_alone() -> None:
    inside = [answered(10.0, 0.1 * number + 0.05) for number in range(1, 10)]
    found = summary_of([answered(10.0, 0.1), *inside, answered(10.0, 1.1)])
    assert [count for _, count in found.histogram] == [1] * 11
    assert found.histogram[0][0] == pytest.approx(0.1)
    assert found.histogram[-1][0] == pytest.approx(1.1)


def test_a_load_without_any_answer_says_so_without_nonsense() -> None:
    text = render(summary_of([failed(10.0, RowError.CONNECT, 0.1)] * 3))
    assert "NaN" not in text.replace("nan", "NaN")
    assert "  [3]\tconnect\n" in text
    assert "Latency distribution" not in text


def test_an_empty_load_can_be_printed() -> None:
    assert "Summary:" in render(summarise(iter(()), [], PLAN))


def test_the_text_has_heys_sections_in_heys_order_and_form() -> None:
    text = render(summary_of([answered(10.0 + number, 0.02 + 0.001 * number) for number in range(10)]))
    assert text.startswith("\nSummary:\n  Total:\t9.0290 secs\n  Slowest:\t0.0290 secs\n  Fastest:\t0.0200 secs\n")
    assert "  Total data:\t100 bytes\n  Size/request:\t10 bytes\n" in text
    titles = [
        "Summary:",
        "Response time histogram:",
        "Latency distribution:",
        "Details (",
        "Status code distribution:",
    ]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert "  0.020 [1]\t|" in text
    assert "  [200]\t10 responses" in text


def test_a_generator_that_was_the_bottleneck_is_named_with_its_remedy() -> None:
    finding = GeneratorFinding("GENERATOR_CPU", 0.99, "<= 0.85", False, "use more processes")
    text = render(summary_of([answered(10.0, 0.1)]), [finding])
    assert text.endswith("Generator:\n  GENERATOR_CPU: 0.99 (limit <= 0.85): use more processes\n")


def test_a_load_that_was_stopped_offered_its_rate_until_then() -> None:
    rows = [answered(10.0 + number * 0.1, 0.05) for number in range(40)]
    found = summarise(iter([table(rows)]), [], PLAN, {"start": 10.0, "end": 14.0, "stopped": True})
    assert found.offered_rate == pytest.approx(10.0)
    assert found.plan_seconds == pytest.approx(4.0)
