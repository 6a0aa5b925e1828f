"""Reports of activators and pods become two means."""

from __future__ import annotations

from conformance.model.collector import Collector, Observation, Stat
from conformance.model.parameters import Parameters

T = 1_700_000_000
P = Parameters(stable_window_seconds=10, panic_window_seconds=2)


def test_all_sources_add_up_and_what_the_activator_counted_cancels() -> None:
    collector = Collector(P)
    collector.record(T, Stat(4.0, 0.0, 40.0, 0.0))
    collector.record(T, Stat(5.0, 4.0, 46.0, 40.0))
    assert collector.observe(P, T) == Observation(5.0, 5.0)
    assert collector.observe(Parameters(metric="rps"), T) == Observation(46.0, 46.0)


def test_a_metric_that_is_not_rps_is_concurrency() -> None:
    collector = Collector(P)
    collector.record(T, Stat(3.0, 0.0, 9.0, 0.0))
    assert collector.observe(Parameters(metric=""), T) == Observation(3.0, 3.0)


def test_the_panic_window_follows_faster() -> None:
    collector = Collector(P)
    for second in range(4):
        collector.record(T + second, Stat(0.0, 0.0, 0.0, 0.0))
    collector.record(T + 4, Stat(10.0, 0.0, 20.0, 0.0))
    assert collector.observe(P, T + 4) == Observation(2.0, 5.0)
    assert collector.observe(Parameters(metric="rps"), T + 4) == Observation(4.0, 10.0)


def test_a_scraped_revision_without_reports_has_no_data() -> None:
    for metric in ("concurrency", "rps"):
        parameters = Parameters(metric=metric, stable_window_seconds=10, panic_window_seconds=2)
        collector = Collector(parameters)
        assert collector.observe(parameters, T) is None
        collector.record(T, Stat(1.0, 0.0, 1.0, 0.0))
        assert collector.observe(parameters, T + 10) == Observation(0.0, 0.0)
        assert collector.observe(parameters, T + 11) is None


def test_without_scraping_silence_means_no_load() -> None:
    parameters = Parameters(target_burst_capacity=-1)
    assert Collector(parameters).observe(parameters, T) == Observation(0.0, 0.0)


def test_both_windows_are_weighted_or_neither() -> None:
    weighted = Parameters(stable_window_seconds=60, panic_window_seconds=60, aggregation="weighted-exponential")
    collector = Collector(weighted)
    collector.record(T, Stat(10.0, 0.0, 20.0, 0.0))
    assert collector.observe(weighted, T) == Observation(2.0, 2.0)
    rps = Parameters(metric="rps")
    assert collector.observe(rps, T) == Observation(4.0, 4.0)


def test_changed_windows_are_taken_over() -> None:
    collector = Collector(P)
    for second in range(10):
        collector.record(T + second, Stat(float(second), 0.0, 2.0 * second, 0.0))
    collector.resize(Parameters(stable_window_seconds=6, panic_window_seconds=4), T + 9)
    # The panic window has only two seconds to bring along, and its mean is over those it spans.
    assert collector.observe(P, T + 9) == Observation(6.5, 8.5)
    assert collector.observe(Parameters(metric="rps"), T + 9) == Observation(13.0, 17.0)
    collector.record(T + 10, Stat(10.0, 0.0, 20.0, 0.0))
    collector.record(T + 11, Stat(11.0, 0.0, 22.0, 0.0))
    assert collector.observe(P, T + 11) == Observation(8.5, 9.5)
    assert collector.observe(Parameters(metric="rps"), T + 11) == Observation(17.0, 19.0)
